"""Logs: what a traceback tells, and what it keeps to itself."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from gavel.runtime.logs import LogFormat, configure_logs


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in (None, "uvicorn")]
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
