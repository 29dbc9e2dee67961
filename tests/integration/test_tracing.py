"""Trace contexts: what is followed, what is handed on, and what is written down."""

from collections.abc import AsyncGenerator, Generator

import pytest
import pytest_asyncio

from gavel.runtime.telemetry import tracing
from tests.proxies import DEAD_PROXY
from tests.servers.otlp_collector import Collector, running_collector

pytestmark = pytest.mark.integration

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE_ID}-{SPAN_ID}-01", f"00-{TRACE_ID}-{SPAN_ID}-00"
OTHER = f"00-{'5' * 32}-{SPAN_ID}-01"


@pytest.fixture
def collector() -> Generator[Collector]:
    with running_collector() as running:
        yield running


@pytest_asyncio.fixture
async def exporting(collector: Collector) -> AsyncGenerator[None]:
    async with tracing.exporting("tests", collector.url, 0.0):
        yield


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        SAMPLED.upper(),
        f"01-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"{SAMPLED}-00",
        f"{SAMPLED}\n",
    ],
)
def test_what_is_no_trace_context_counts_as_none(text: str) -> None:
    assert tracing.valid(text) == ""
    assert tracing.valid(SAMPLED) == SAMPLED


def test_without_a_collector_a_context_is_handed_on_as_it_came_and_nothing_is_written_down() -> None:
    assert not tracing.is_on
    assert [tracing.begin(each) for each in (SAMPLED, UNSAMPLED, "")] == [SAMPLED, UNSAMPLED, ""]
    assert not tracing.is_sampled(SAMPLED)
    assert tracing.record("decide", [SAMPLED], 0.0, 0.0) == ""
    assert tracing.child([SAMPLED]) == ""


async def test_a_sampled_request_gets_a_span_of_its_own_in_the_same_trace(exporting: None) -> None:
    own = tracing.begin(SAMPLED)
    assert own != SAMPLED
    assert tracing.valid(own).startswith(f"00-{TRACE_ID}-")
    assert tracing.is_sampled(own)
    assert tracing.begin(UNSAMPLED) == UNSAMPLED


@pytest.mark.parametrize(("ratio", "sampled"), [(0.0, 0), (1.0, 1_000)])
async def test_of_requests_without_a_context_the_share_that_is_asked_for_is_sampled(
    collector: Collector, ratio: float, sampled: int
) -> None:
    async with tracing.exporting("tests", collector.url, ratio):
        begun = [tracing.begin("") for _ in range(1_000)]
    followed = [each for each in begun if each]
    assert all(tracing.valid(each).endswith("-01") for each in followed)
    assert len(followed) == len({each[3:35] for each in followed}) == sampled


async def test_a_span_is_under_the_first_sampled_context_and_linked_to_the_others_once_each(
    collector: Collector,
) -> None:
    async with tracing.exporting("tests", collector.url, 0.0):
        assert tracing.record("commit", [UNSAMPLED, "", SAMPLED, OTHER, OTHER, SAMPLED], 1.0, 2.0, error="Lost")
        assert tracing.record("nobody's", [UNSAMPLED, ""], 1.0, 2.0) == ""
    # On the way out what was written down is sent.
    [span] = collector.spans()
    assert (span.service, span.name, span.trace_id, span.parent_id) == ("gavel-tests", "commit", TRACE_ID, SPAN_ID)
    assert span.links == ("5" * 32,)
    assert span.end_ns - span.start_ns == pytest.approx(1_000_000_000, abs=1_000)
    assert span.is_error


async def test_a_batch_has_links_up_to_a_bound(collector: Collector) -> None:
    many = [f"00-{number:032x}-{SPAN_ID}-01" for number in range(1, 1_000)]
    async with tracing.exporting("tests", collector.url, 0.0):
        tracing.record("commit", many, 1.0, 2.0)
    [span] = collector.spans()
    assert len(span.links) == tracing.LINKS_MAX


async def test_a_collector_that_is_away_delays_no_stop() -> None:
    async with tracing.exporting("tests", "http://127.0.0.1:9", 1.0):
        tracing.record("decide", [SAMPLED], 1.0, 2.0)
    assert not tracing.is_on


async def test_a_collector_on_this_machine_is_asked_directly_whatever_proxy_is_named(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in DEAD_PROXY.items():
        monkeypatch.setenv(name, value)
    async with tracing.exporting("tests", collector.url, 0.0):
        tracing.record("decide", [SAMPLED], 0.0, 0.0)
    assert [span.name for span in collector.spans(TRACE_ID)] == ["decide"]
