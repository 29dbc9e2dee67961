"""Logs: one event a line, whose it is, what a traceback tells, and what no line shows."""

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import structlog

from gavel.bids.settings import BidApiSettings, BidMigrationSettings, BidWorkerSettings
from gavel.runtime.process.settings import ProcessSettings
from gavel.runtime.telemetry.logs import LogFormat, configure_logs
from gavel.runtime.telemetry.redaction import REDACTED, redact_text
from gavel.runtime.telemetry.request_context import enter
from gavel.standalone import StandaloneSettings
from tests.calls import new_call


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in (None, "asyncio")]
    kept = [(logger.handlers, logger.level) for logger in loggers]
    yield
    for logger, (handlers, level) in zip(loggers, kept, strict=True):
        logger.handlers = handlers
        logger.setLevel(level)
    structlog.reset_defaults()


def _fails_with_a_secret_in_a_variable() -> None:
    leader_maximum = int("7" * 15)
    raise RuntimeError(f"no luck with {len(str(leader_maximum))} digits")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_names_the_line_and_no_value_of_a_variable(
    log_format: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("INFO", log_format)
    try:
        _fails_with_a_secret_in_a_variable()
    except RuntimeError as error:
        structlog.get_logger().error("unexpected_error", exc_info=error)
    logged = capsys.readouterr().err
    assert "no luck with 15 digits" in logged
    assert "_fails_with_a_secret_in_a_variable" in logged
    assert "7" * 15 not in logged


class Hiding(NamedTuple):
    """A named tuple whose repr leaves out a field."""

    shown: str
    hidden: str

    def __repr__(self) -> str:
        return f"Hiding({self.shown})"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_named_tuple_is_logged_by_its_repr_wherever_it_stands(
    log_format: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("INFO", log_format)
    value = Hiding("shown", "secret")
    structlog.get_logger().info("something_happened", alone=value, inside=[{"of": (value,)}])
    logged = capsys.readouterr().err
    assert logged.count("Hiding(shown)") == 2
    assert "secret" not in logged


def _logged(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    [line] = capsys.readouterr().err.splitlines()
    return json.loads(line)


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("text", ["two\nlines", "a\r\nb", "a\u2028b", "\x1b[31mred", "'; DROP TABLE bids; --"])
def test_an_event_is_one_line_whatever_its_values_and_its_logger(
    log_format: LogFormat, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("INFO", log_format)
    structlog.get_logger().info("listed", title=text)
    logging.getLogger("a.library").warning("it says %s", text)
    logged = capsys.readouterr().err
    assert len(logged.splitlines()) == 2
    assert "\x1b[31mred" not in logged
    assert "listed" in logged
    assert "it says" in logged


SECRETS = {
    "hunter2": "can't reach postgresql://gavel:hunter2@db:5432/bid_db",
    "s3cr%3At": "amqp://guest:s3cr%3At@127.0.0.1:5672/ is away",
    "lonely": "redis://:lonely@cache/0",
    "inquery": "postgresql:///bid_db?host=%2Ftmp&password=inquery",
    "abc.DEF-123": "Authorization: Bearer abc.DEF-123",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl?",
}


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize(("secret", "text"), SECRETS.items())
def test_passwords_and_tokens_are_taken_out_of_values_texts_and_tracebacks(
    log_format: LogFormat, secret: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("INFO", log_format)
    structlog.get_logger().info("tried", address=text)
    logging.getLogger("a.library").warning("%s", text)
    try:
        raise RuntimeError(text)
    except RuntimeError:
        structlog.get_logger().exception("failed")
    logged = capsys.readouterr().err
    assert secret not in logged
    assert logged.count(REDACTED) >= 3


@pytest.mark.parametrize("key", ["password", "access_token", "Authorization", "maximum", "reserve_price", "api_key"])
def test_what_is_named_a_secret_is_not_shown(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json", BidWorkerSettings.secret_names)
    structlog.get_logger().info("told", **{key: 12_345, "amount": 100})
    assert _logged(capsys) | {"timestamp": ""} == {
        "event": "told", "level": "info", "timestamp": "", key: REDACTED, "amount": 100,
    }  # fmt: skip


def test_an_address_without_a_password_stays_readable() -> None:
    for text in ("http://127.0.0.1:8080", "postgresql://gavel@db:5432/bid_db", "at 12:30 mail a@b.example"):
        assert redact_text(text) == text


async def test_lines_of_a_requests_task_have_its_request_id_and_others_do_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs("INFO", "json")

    async def answer() -> None:
        traceparent = f"00-{'a' * 32}-{'b' * 16}-01".encode()
        call = new_call([(b"traceparent", traceparent), (b"x-request-id", b"by-caller")])
        call.client_host = "203.0.113.7"
        call.bind(item_id="an-item", user_id="a-user")
        enter(call)
        structlog.get_logger().info("refused", item_id="the line's own")

    await asyncio.create_task(answer())
    line = _logged(capsys)
    assert (line["request_id"], line["trace_id"], line["client"]) == ("by-caller", "a" * 32, "203.0.113.7")
    assert (line["item_id"], line["user_id"]) == ("the line's own", "a-user")
    structlog.get_logger().info("elsewhere")
    assert _logged(capsys).keys() == {"event", "level", "timestamp"}


@pytest.mark.parametrize("given", ["", "two\nlines", "x" * 129, "ü", '{"json": 1}'])
async def test_a_request_id_that_is_no_plain_word_is_replaced_by_one_of_our_own(given: str) -> None:
    calls = [new_call([(b"x-request-id", given.encode())]) for _ in range(10)]
    assert calls[0].request_id not in ("", given)
    assert calls[0].request_id == calls[0].request_id
    assert len({call.request_id for call in calls}) == 10


@pytest.mark.parametrize("settings", [BidApiSettings, BidWorkerSettings, BidMigrationSettings, StandaloneSettings])
def test_no_process_of_the_write_side_logs_a_hidden_price(settings: type[ProcessSettings]) -> None:
    assert {"maximum", "max_amount", "reserve"} <= set(settings.secret_names)
