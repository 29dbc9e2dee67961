"""Prometheus metrics, made of the plain numbers that components count (see `histogram`).

Only here and in the adapters do these get the names, labels and units that `docs/METRICS.md` lists. Labels are few,
and none holds an id, so the number of series stays bounded.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import accumulate

from prometheus_client.core import Metric
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import CollectorRegistry

from gavel.runtime.telemetry.histogram import Histogram

# Reads current metrics. A source that raises, or is late, is left out of the page.
Source = Callable[[], Awaitable[Sequence[Metric]]]
# The values of a metric's labels, in the order of their names.
Labels = tuple[str, ...]


def counter(name: str, meaning: str, labels: Labels, counts: Mapping[Labels, float]) -> Metric:
    """Make a counter: it only rises while the process lives, and its name ends in `_total`."""
    family = CounterMetricFamily(name, meaning, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def gauge(name: str, meaning: str, labels: Labels, values: Mapping[Labels, float]) -> Metric:
    """Make a gauge: a current value."""
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for each, value in values.items():
        family.add_metric(each, value)
    return family


def histogram(name: str, meaning: str, labels: Labels, histograms: Mapping[Labels, Histogram]) -> Metric:
    """Make a histogram: the distribution of values."""
    family = HistogramMetricFamily(name, meaning, labels=labels)
    for values, counted in histograms.items():
        bounds = [*map(str, counted.bounds), "+Inf"]
        buckets = list(zip(bounds, accumulate(counted.counts), strict=True))
        family.add_metric(values, buckets, counted.total)
    return family


def process_source() -> Source:
    """Metrics source of this process's CPU, memory, open files and age, under their customary names."""
    collector = ProcessCollector(registry=CollectorRegistry())

    async def read() -> Sequence[Metric]:
        return list(collector.collect())

    return read
