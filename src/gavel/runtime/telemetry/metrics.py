"""Metrics of Prometheus, made of the plain numbers that parts count (see `histogram`).

Here, and only here and in the adapters, these get the names, labels and units that `docs/METRICS.md` lists. Labels are
few, and none holds an id, so the number of series stays bounded.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import accumulate

from prometheus_client.core import Metric
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import CollectorRegistry

from gavel.runtime.telemetry.histogram import Histogram

# Some metrics as they are now. A source that raises, or is late, is left out of the page.
Source = Callable[[], Awaitable[Sequence[Metric]]]
# The values of a metric's labels, in the order of their names.
Labels = tuple[str, ...]


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
