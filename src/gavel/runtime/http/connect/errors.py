"""Errors of calls: temporary ones with a hint when to retry, and the mapping of every exception to a Connect error."""

import math
from collections.abc import Callable
from uuid import uuid4

import structlog
from connectrpc.code import Code
from connectrpc.errors import ConnectError

# Maps a service's own exceptions to Connect errors; None for an unexpected one.
MapError = Callable[[Exception], ConnectError | None]

_log = structlog.get_logger(__name__)


class RetryLater(ConnectError):
    """A temporary error, whose reply has a Retry-After header in whole seconds."""

    def __init__(self, code: Code, message: str, retry_after_seconds: float) -> None:
        super().__init__(code, message)
        self.retry_after = str(max(1, math.ceil(retry_after_seconds)))


def connect_error_of(error: Exception, map_error: MapError, method: str) -> ConnectError:
    """Map an exception to a Connect error. An unexpected one is logged, and its reply shows only a reference id."""
    mapped = error if isinstance(error, ConnectError) else map_error(error)
    if mapped is not None:
        if mapped.code not in (Code.UNAVAILABLE, Code.INTERNAL):
            _log.info("request_refused", method=method, code=mapped.code.value, reason=mapped.message)
        return mapped
    reference = uuid4().hex
    _log.error("unexpected_error", method=method, reference=reference, exc_info=error)
    return ConnectError(Code.INTERNAL, f"something went wrong on our side; reference {reference}")
