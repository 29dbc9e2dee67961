"""Health and metrics pages of the admin port: GET /livez, GET /readyz and GET /metrics.

A process is alive as long as its event loop runs, and ready when every check passes. Metrics are read at each request,
and written in the text format of Prometheus.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

import structlog
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from gavel import __version__
from gavel.runtime.http.server import Asgi, Receive, Scope, Send
from gavel.runtime.telemetry.metrics import Source

# Prometheus scrapes every few seconds, and times out after ten.
SOURCE_SECONDS_MAX = 2.0

# A check returns None if all is well, else the problem in a few words.
Check = Callable[[], Awaitable[str | None]]

_log = structlog.get_logger(__name__)


def health_app(checks: Mapping[str, Check], shown: Mapping[str, Check] | None = None) -> Asgi:
    """The liveness and readiness probes; 503 with the reasons if a check fails. Anything else is 404.

    Problems of `shown` checks are reported, but the process stays ready: work goes on without them.
    """

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["path"] == "/livez":
            await send_json(send, 200, {"status": "alive", "version": __version__})
        elif scope["path"] == "/readyz":
            problems, also = await _problems(checks), await _problems(shown or {})
            status = {"status": "not ready" if problems else "ready"}
            await send_json(send, 503 if problems else 200, status | also | problems)
        else:
            await send_json(send, 404, {"code": "not_found", "message": "no such page"})

    return app


async def send_json(send: Send, status: int, value: object) -> None:
    """Send a JSON reply."""
    body = json.dumps(value).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _problems(checks: Mapping[str, Check]) -> dict[str, str]:
    return {name: problem for name, check in checks.items() if (problem := await check()) is not None}


def metrics_app(sources: Sequence[Source]) -> Asgi:
    """The metrics page. Metrics of one name from several sources are merged."""

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
