"""What is known of the request that is being answered: for its log lines, its span, and whoever counts it.

Bound once at the edge, and told to nobody by arguments: it follows the request's task.
"""

import re
from contextvars import ContextVar
from uuid import uuid4

REQUEST_ID_CHARACTERS_MAX = 128

_REQUEST_ID = re.compile(rf"[\w.:+/=-]{{1,{REQUEST_ID_CHARACTERS_MAX}}}\Z", re.ASCII).match


class Request:
    """One request: the trace context of its span, what its caller calls it, its error if any, and what it is about."""

    __slots__ = ("_request_id", "bound", "error_code", "traceparent")

    def __init__(self, traceparent: str = "", request_id: str = "") -> None:
        self.traceparent = traceparent
        self.error_code = ""
        self.bound: dict[str, str] = {}
        self._request_id = request_id

    @property
    def request_id(self) -> str:
        """The caller's X-Request-Id where it is a plain word, else one of our own. Made when it is first needed."""
        if not _REQUEST_ID(self._request_id):
            self._request_id = uuid4().hex
        return self._request_id

    @property
    def trace_id(self) -> str:
        """The trace that the request belongs to; empty where it has none."""
        return self.traceparent[3:35]


_current: ContextVar[Request | None] = ContextVar("gavel_request", default=None)


def enter(request: Request) -> None:
    """Make it the request of this task."""
    _current.set(request)


def current_request() -> Request | None:
    """The request of this task; None outside of one."""
    return _current.get()


def bind(**about: str) -> None:
    """Say what the request of this task is about: ids, under their names."""
    request = _current.get()
    if request is not None:
        request.bound.update(about)
