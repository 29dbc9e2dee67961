"""Request context: what is known of the current request, for its log lines, its span and its metrics.

Set once at the edge, and never passed as an argument: it follows the request's task.
"""

import re
from contextvars import ContextVar
from uuid import uuid4

REQUEST_ID_CHARACTERS_MAX = 128

_REQUEST_ID = re.compile(rf"[\w.:+/=-]{{1,{REQUEST_ID_CHARACTERS_MAX}}}\Z", re.ASCII).match


class Request:
    """One request: the trace context of its span, its request id, its error code if any, and the ids bound to it."""

    __slots__ = ("_request_id", "bound", "error_code", "traceparent")

    def __init__(self, traceparent: str = "", request_id: str = "") -> None:
        self.traceparent = traceparent
        self.error_code = ""
        self.bound: dict[str, str] = {}
        self._request_id = request_id

    @property
    def request_id(self) -> str:
        """The caller's X-Request-Id if it is well formed, else a generated one. Made when it is first needed."""
        if not _REQUEST_ID(self._request_id):
            self._request_id = uuid4().hex
        return self._request_id

    @property
    def trace_id(self) -> str:
        """The id of the request's trace; empty if it has none."""
        return self.traceparent[3:35]


_current: ContextVar[Request | None] = ContextVar("gavel_request", default=None)


def enter(request: Request) -> None:
    """Set the request of this task."""
    _current.set(request)


def current_request() -> Request | None:
    """The request of this task; None outside of one."""
    return _current.get()


def bind(**about: str) -> None:
    """Bind ids, by their names, to the request of this task."""
    request = _current.get()
    if request is not None:
        request.bound.update(about)
