"""Request context: what the log lines of a request say about it.

Most requests write no line, so the context is set only by a task that serves one request, or around a line.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class RequestContext(Protocol):
    """Facts of a request: its id, its client, its W3C trace context (empty without one), and the ids it is about."""

    @property
    def request_id(self) -> str:
        """The request's id."""
        ...

    @property
    def client_host(self) -> str:
        """The address of its client, behind a trusted proxy the one that the proxy names; may be empty."""
        ...

    @property
    def traceparent(self) -> str:
        """The trace context of its span."""
        ...

    @property
    def bound(self) -> Mapping[str, str]:
        """The ids that it is about, by their names."""
        ...


_current: ContextVar[RequestContext | None] = ContextVar("gavel_request", default=None)


def enter(request: RequestContext) -> None:
    """Set the request of this task."""
    _current.set(request)


@contextmanager
def within(request: RequestContext) -> Generator[None]:
    """Set the request inside the context."""
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)


def current_request() -> RequestContext | None:
    """The request of this task; None outside of one."""
    return _current.get()
