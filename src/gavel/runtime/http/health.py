"""Health and metrics pages of the admin port: GET /livez, GET /readyz and GET /metrics.

A process is alive as long as its event loop runs, and ready when every check passes. Metrics are read at each request,
and written in the text format of Prometheus.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

import structlog
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from gavel import __version__
from gavel.runtime.http.calls import Call
from gavel.runtime.http.exchange import Response, json_response
from gavel.runtime.http.routes import Page, Route
from gavel.runtime.telemetry.metrics import Source

# Prometheus scrapes every few seconds, and times out after ten.
SOURCE_SECONDS_MAX = 2.0

# A check returns None if all is well, else the problem in a few words.
Check = Callable[[], Awaitable[str | None]]

_log = structlog.get_logger(__name__)


def health_routes(checks: Mapping[str, Check], shown: Mapping[str, Check] | None = None) -> dict[str, Route]:
    """The liveness and readiness probes; 503 with the reasons if a check fails.

    Problems of `shown` checks are reported, but the process stays ready: work goes on without them.
    """

    async def alive(_call: Call) -> Response:
        return json_response(200, {"status": "alive", "version": __version__})

    async def ready(_call: Call) -> Response:
        problems, also = await _problems(checks), await _problems(shown or {})
        status = {"status": "not ready" if problems else "ready"}
        return json_response(503 if problems else 200, status | also | problems)

    return {"/livez": Page(alive), "/readyz": Page(ready)}


async def _problems(checks: Mapping[str, Check]) -> dict[str, str]:
    return {name: problem for name, check in checks.items() if (problem := await check()) is not None}


def metrics_route(sources: Sequence[Source]) -> dict[str, Route]:
    """The metrics page. Metrics of one name from several sources are merged."""

    async def metrics(_call: Call) -> Response:
        parts = await asyncio.gather(*(_read(source) for source in sources))
        page = generate_latest(_Merged(metric for part in parts for metric in part))
        return Response(200, b"content-type: %b\r\n" % CONTENT_TYPE_LATEST.encode(), page)

    return {"/metrics": Page(metrics)}


async def _read(source: Source) -> Sequence[Metric]:
    try:
        async with asyncio.timeout(SOURCE_SECONDS_MAX):
            return await source()
    except Exception as error:  # noqa: BLE001 - one failing source must not hide the others
        _log.warning("metrics_source_failed", error=type(error).__name__)
        return ()


class _Merged(Collector):
    """Metrics merged by name, as a registry for generate_latest."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._by_name: dict[str, Metric] = {}
        for metric in metrics:
            if (first := self._by_name.setdefault(metric.name, metric)) is not metric:
                first.samples.extend(metric.samples)

    def collect(self) -> Iterator[Metric]:
        """Each metric once."""
        return iter(self._by_name.values())
