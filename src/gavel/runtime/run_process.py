"""Process lifecycle: bind the ports, open the parts, serve until a signal, and close in reverse."""

import asyncio
import gc
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import NoReturn

import structlog

from gavel import __version__
from gavel.runtime.http.access_control import AccessControl, open_access_control
from gavel.runtime.http.health import Check, health_routes, metrics_route
from gavel.runtime.http.routes import Pipeline, Route, Routes
from gavel.runtime.http.server import address_of, bind, serving, stop_signals
from gavel.runtime.http.settings import AdminSettings, HttpSettings
from gavel.runtime.telemetry.event_loop_lag import event_loop_lag
from gavel.runtime.telemetry.logs import configure_logs
from gavel.runtime.telemetry.metrics import Source, process_source

# A call makes hundreds of objects and hardly any reference cycles: the default of 700 would collect the young
# generation every few calls. Older generations keep their default ratio to it.
GARBAGE_SEARCH_OBJECTS = 20_000
# The usual grace period between a stop signal and a kill is ten seconds.
STOP_SECONDS_MAX = 9.0
EXIT_UNCLOSED = 1

_log = structlog.get_logger("gavel")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a process serves (only health if `routes` is None), its readiness checks, and checks that it only shows.

    `end_streams` ends the responses that would never end by themselves. `metrics` are the sources of its parts.
    `redis_url` is where processes share their rate limits.
    """

    checks: Mapping[str, Check]
    routes: Mapping[str, Route] | None = None
    shown: Mapping[str, Check] = field(default_factory=dict[str, Check])
    end_streams: Callable[[], None] | None = None
    metrics: Sequence[Source] = ()
    redis_url: str | None = None


def settle_memory() -> None:
    """Exclude the objects made at start from garbage collection, and collect less often.

    Call it once all that stays has been made. A collection stops every call, and took a tenth of the CPU under load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_SEARCH_OBJECTS)


async def run_process(name: str, settings: AdminSettings, opened: AbstractAsyncContextManager[Parts]) -> None:
    """Run until a stop signal; then accept no more, finish requests in progress, and close. Raises AddressInUse."""
    configure_logs(settings.log_level, settings.log_format, settings.secret_names)
    with stop_signals() as stopping:
        async with AsyncExitStack() as stack:
            admin = bind(settings.http_host, settings.admin_port)
            listener = bind(settings.http_host, settings.http_port) if isinstance(settings, HttpSettings) else None
            await stack.enter_async_context(settings.exporting_spans(name))
            parts = await stack.enter_async_context(opened)
            checks, address, access_metrics = parts.checks, None, list[Source]()
            if isinstance(settings, HttpSettings) and listener is not None and parts.routes is not None:
                access_control, access_checks = await stack.enter_async_context(
                    open_access_control(settings, parts.redis_url)
                )
                handler = Pipeline(Routes(parts.routes), access_control)
                served = serving(
                    handler,
                    listener,
                    parts.end_streams,
                    cors_origins=settings.cors_origins,
                    addresses=access_control.addresses,
                )
                await stack.enter_async_context(served)
                checks, address = {**checks, **access_checks}, address_of(listener)
                access_metrics.append(access_control.source)
                warn_of_trust(settings, address)
            lag = await stack.enter_async_context(event_loop_lag())
            metrics = metrics_route([process_source(), lag, *parts.metrics, *access_metrics])
            pages = Routes({**health_routes(checks, parts.shown), **metrics})
            await stack.enter_async_context(serving(Pipeline(pages, AccessControl()), admin))
            settle_memory()
            _log.info("started", process=name, version=__version__, address=address, admin=address_of(admin))
            await stopping.wait()
            _log.info("stopping", process=name)
            asyncio.get_running_loop().call_later(STOP_SECONDS_MAX, _give_up, name)
    _log.info("stopped", process=name)


def _give_up(name: str) -> NoReturn:
    """Exit if closing takes too long, as with frozen servers: what was answered is committed already."""
    _log.warning("shutdown_timed_out", process=name, after_seconds=STOP_SECONDS_MAX)
    os._exit(EXIT_UNCLOSED)


def warn_of_trust(settings: HttpSettings, address: str) -> None:
    """Warn at start-up if authentication is disabled."""
    if settings.auth_mode == "trusted":
        _log.warning(
            "authentication_disabled",
            auth_mode="trusted",
            address=address,
            meaning="any client that reaches this address can act as any user",
        )
