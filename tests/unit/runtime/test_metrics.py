"""The page of metrics: metrics of all sources, merged; none without a source."""

import asyncio
from collections.abc import Sequence

import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from gavel.runtime.http import health
from gavel.runtime.http.health import metrics_route
from gavel.runtime.telemetry.event_loop_lag import event_loop_lag
from gavel.runtime.telemetry.histogram import Histogram
from gavel.runtime.telemetry.metrics import Source, counter, gauge, histogram
from tests.calls import client_of


def told(*metrics: Metric) -> Source:
    """A source of these metrics."""

    async def read() -> Sequence[Metric]:
        return metrics

    return read


async def page(*sources: Source, method: str = "GET") -> tuple[int, str]:
    """Status and body of the page."""
    async with client_of(metrics_route(sources)) as client:
        reply = await client.request(method, "/metrics")
    return reply.status_code, reply.text


async def values(*sources: Source) -> dict[tuple[str, tuple[str, ...]], float]:
    """The samples of a page by name and values of the labels."""
    _, text = await page(*sources)
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_counters_gauges_and_histograms_have_their_labels() -> None:
    distribution = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 7.0):
        distribution.observe(value)
    assert await values(
        told(
            counter("gavel_things_total", "Things.", ("kind",), {("good",): 3, ("bad",): 1}),
            gauge("gavel_depth", "Depth.", (), {(): 7}),
            histogram("gavel_span_seconds", "Span.", (), {(): distribution}),
        )
    ) == {
        ("gavel_things_total", ("good",)): 3,
        ("gavel_things_total", ("bad",)): 1,
        ("gavel_depth", ()): 7,
        # A bound belongs to its bucket, and each bucket counts those below it too.
        ("gavel_span_seconds_bucket", ("1.0",)): 2,
        ("gavel_span_seconds_bucket", ("2.0",)): 3,
        ("gavel_span_seconds_bucket", ("+Inf",)): 4,
        ("gavel_span_seconds_count", ()): 4,
        ("gavel_span_seconds_sum", ()): 10,
    }


async def test_one_metric_of_two_sources_is_merged() -> None:
    one, other = (told(gauge("gavel_lane", "Waiting.", ("lane",), {(lane,): 1})) for lane in ("bids", "closer"))
    _, text = await page(one, other)
    assert text.count("# TYPE gavel_lane gauge") == 1
    assert await values(one, other) == {("gavel_lane", ("bids",)): 1, ("gavel_lane", ("closer",)): 1}


async def test_a_part_that_fails_or_hangs_is_left_out_and_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "SOURCE_SECONDS_MAX", 0.01)

    async def fails() -> Sequence[Metric]:
        raise OSError("the database is away")

    async def hangs() -> Sequence[Metric]:
        await asyncio.Event().wait()
        return ()

    assert await values(fails, told(gauge("gavel_depth", "Depth.", (), {(): 7})), hangs) == {("gavel_depth", ()): 7}


async def test_the_page_is_only_read() -> None:
    status, text = await page(told(gauge("gavel_depth", "Depth.", (), {(): 7})), method="POST")
    assert status == 405
    assert "gavel_depth" not in text


async def test_the_delay_of_a_loop_is_measured_while_the_process_lives() -> None:
    async with event_loop_lag() as source, asyncio.timeout(10):
        while not (await values(source))["gavel_event_loop_lag_seconds_count", ()]:  # noqa: ASYNC110 - no signal
            await asyncio.sleep(0.01)
    assert [task for task in asyncio.all_tasks() if task.get_name() == "loop-delay"] == []
