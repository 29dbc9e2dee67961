"""Structured logs: one event a line, with keys, to standard error; only a traceback on a console takes more.

The lines of a request's task bear its `request_id`, its `trace_id` where it has one, and the ids that it is about.
"""

import logging
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any, Literal, cast

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from gavel.runtime.telemetry.redaction import key_redactor, redact_line
from gavel.runtime.telemetry.request_context import current_request

LogFormat = Literal["json", "console"]


def configure_logs(level: str, log_format: LogFormat, secret_names: Iterable[str] = ()) -> None:
    """Send every log line of the process, the libraries' included, through one chain. `level` is a name: INFO.

    The values of keys that hold one of `secret_names` are redacted, besides those of the usual secrets.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_request,
        _show_named_tuples,
        key_redactor(secret_names),
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Local variables may hold secrets: a traceback names lines, never values.
    if log_format == "json":
        render: list[structlog.typing.Processor] = [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ]
    else:
        render = [
            _keep_on_a_line,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render, redact_line],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)


def _add_request(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor: add the request of a line. The line's own keys take precedence."""
    request = current_request()
    if request is not None:
        event.setdefault("request_id", request.request_id)
        if request.client_host:
            event.setdefault("client", request.client_host)
        if request.traceparent:
            event.setdefault("trace_id", request.traceparent[3:35])
        for name, value in request.bound.items():
            event.setdefault(name, value)
    return event


def _show_named_tuples(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor: replace named tuples by their reprs, which may leave out fields that JSON would show."""
    for key, value in event.items():
        event[key] = _by_repr(value)
    return event


def _by_repr(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _by_repr(each) for key, each in cast("dict[Any, Any]", value).items()}
    if not isinstance(value, list | tuple):
        return value
    parts = cast("list[Any]", value)
    return repr(parts) if hasattr(parts, "_fields") else [_by_repr(each) for each in parts]


def _keep_on_a_line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor: escape characters that would break the line or control the terminal."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable() and key not in ("exception", "stack"):
            event[key] = repr(value)[1:-1]
    return event
