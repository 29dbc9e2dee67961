"""GET /metrics: what the parts of a process counted, in the text format of Prometheus, put together when it is asked.

Parts count in plain numbers (see `figures`); here, and only here and in the adapters, these get the names, labels and
units that `docs/METRICS.md` lists. Few labels, and none with an id: what a process tells stays bounded.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

import structlog
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from gavel.runtime.http.health import send_json
from gavel.runtime.http.server import Asgi, Receive, Scope, Send
from gavel.runtime.telemetry.histogram import Histogram

# Prometheus asks every few seconds, and gives up after ten.
SOURCE_SECONDS_MAX = 2.0

# Some metrics as they are now. What it raises, or does not tell in time, is left out of the page.
Source = Callable[[], Awaitable[Sequence[Metric]]]
# The values of a metric's labels, in the order of their names.
Labels = tuple[str, ...]

_log = structlog.get_logger(__name__)


def counter(name: str, meaning: str, labels: Labels, counts: Mapping[Labels, float]) -> Metric:
    """A number that only rises while the process lives; its name ends in `_total`."""
    family = CounterMetricFamily(name, meaning, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def gauge(name: str, meaning: str, labels: Labels, values: Mapping[Labels, float]) -> Metric:
    """A number as it is now."""
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for each, value in values.items():
        family.add_metric(each, value)
    return family


def histogram(name: str, meaning: str, labels: Labels, histograms: Mapping[Labels, Histogram]) -> Metric:
    """How values are distributed."""
    family = HistogramMetricFamily(name, meaning, labels=labels)
    for values, counted in histograms.items():
        bounds = [*map(str, counted.bounds), "+Inf"]
        buckets = list(zip(bounds, accumulate(counted.counts), strict=True))
        family.add_metric(values, buckets, counted.total)
    return family


def process_source() -> Source:
    """CPU, memory, open files and age of this process, under the names that every exporter uses for them."""
    collector = ProcessCollector(registry=CollectorRegistry())

    async def read() -> Sequence[Metric]:
        return list(collector.collect())

    return read


def metrics_app(sources: Sequence[Source]) -> Asgi:
    """The page `/metrics`. Metrics of one name, from several parts, are told as one."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await send_json(send, 405, {"code": "unimplemented", "message": "only GET"})
            return
        parts = await asyncio.gather(*(_read(source) for source in sources))
        page = generate_latest(_Merged(metric for part in parts for metric in part))
        headers = [(b"content-type", CONTENT_TYPE_LATEST.encode()), (b"content-length", str(len(page)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": page})

    return app


async def _read(source: Source) -> Sequence[Metric]:
    try:
        async with asyncio.timeout(SOURCE_SECONDS_MAX):
            return await source()
    except Exception as error:  # noqa: BLE001 - one part that can't tell must not hide the others
        _log.warning("metrics_source_failed", error=type(error).__name__)
        return ()


class _Merged(Collector):
    """What generate_latest asks of a registry."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._by_name: dict[str, Metric] = {}
        for metric in metrics:
            if (first := self._by_name.setdefault(metric.name, metric)) is not metric:
                first.samples.extend(metric.samples)

    def collect(self) -> Iterator[Metric]:
        """All of them, each once."""
        return iter(self._by_name.values())
