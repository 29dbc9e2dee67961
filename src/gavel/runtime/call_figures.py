"""The calls of a service, counted: rate, errors and duration of each method."""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar

from connectrpc.code import Code
from prometheus_client.core import Metric
from protobuf import DescService

from gavel.runtime.figures import Distribution
from gavel.runtime.metrics import counter, histogram
from gavel.runtime.serve import Asgi, Message, Receive, Scope, Send

OK = "ok"
# One label for whatever is asked for and does not exist: callers must not be able to make labels.
UNKNOWN_METHOD = "unknown"

# What Connect says with a status that its error reply did not come from: the reverse of its table of codes.
_CODE_OF_STATUS = {
    200: OK,
    304: OK,
    400: Code.INVALID_ARGUMENT.value,
    404: Code.UNIMPLEMENTED.value,
    405: Code.UNIMPLEMENTED.value,
    413: Code.RESOURCE_EXHAUSTED.value,
    415: Code.INVALID_ARGUMENT.value,
    429: Code.RESOURCE_EXHAUSTED.value,
    501: Code.UNIMPLEMENTED.value,
    503: Code.UNAVAILABLE.value,
    504: Code.DEADLINE_EXCEEDED.value,
}

_told_code: ContextVar[list[str] | None] = ContextVar("told_code", default=None)


class CallFigures:
    """Counts of calls by method and code, and how long each method's calls took."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str], int] = {}
        self._seconds: dict[tuple[str], Distribution] = {}

    def observe(self, method: str, code: str, seconds: float) -> None:
        """Count one answered call. `code` is Connect's, or `ok`."""
        key = (method, code)
        self._calls[key] = self._calls.get(key, 0) + 1
        seconds_of_method = self._seconds.get((method,))
        if seconds_of_method is None:
            seconds_of_method = self._seconds[method,] = Distribution()
        seconds_of_method.observe(seconds)

    async def read(self) -> Sequence[Metric]:
        """Source of the metrics."""
        return [
            counter(
                "gavel_rpc_calls_total",
                "Answered calls by method and Connect code (ok where there was no error).",
                ("method", "code"),
                self._calls,
            ),
            histogram(
                "gavel_rpc_duration_seconds",
                "From a call's arrival in the application to its answer.",
                ("method",),
                self._seconds,
            ),
        ]


def note_code(code: str) -> None:
    """Tell what the call that is being answered fails with, for whoever counts it."""
    told = _told_code.get()
    if told is not None:
        told.append(code)


def counted_calls(app: Asgi, service: DescService, figures: CallFigures) -> Asgi:
    """The application, its calls counted by the service's method. A stream is no call: it lasts as it likes."""
    unary = {method.name for method in service.methods if method.method_kind == "unary"}
    streams = {method.name for method in service.methods} - unary

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        method = str(scope["path"]).rpartition("/")[2]
        if method in streams:
            await app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        started_seconds = loop.time()
        told, statuses = list[str](), list[int]()
        token = _told_code.set(told)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            await send(message)

        try:
            await app(scope, receive, noting)
        finally:
            _told_code.reset(token)
            code = told[0] if told else _code_of(statuses)
            figures.observe(method if method in unary else UNKNOWN_METHOD, code, loop.time() - started_seconds)

    return counted


def _code_of(statuses: Sequence[int]) -> str:
    """Nothing was said: the caller had gone."""
    return _CODE_OF_STATUS.get(statuses[0], Code.UNKNOWN.value) if statuses else Code.CANCELED.value
