"""Pipeline of a request: from its head to its handler.

In this order: rate limit by address, authentication and role, the whole body, load shedding, and then the route, which
decodes, lets the handler act for a user, and answers. The connection's own limits come before.
"""

import structlog
from connectrpc.errors import ConnectError

from gavel.runtime.http.access_control import AccessControl
from gavel.runtime.http.calls import Call
from gavel.runtime.http.connect.protocol import refusal_response
from gavel.runtime.http.exchange import Exchange
from gavel.runtime.http.load_shedding import LoadShedder
from gavel.runtime.http.responses import SERVER_ERROR
from gavel.runtime.http.routes import Routes
from gavel.runtime.telemetry.request_context import within

_log = structlog.get_logger(__name__)


class Pipeline:
    """Handler of the requests of one port, by its routes and its access control."""

    def __init__(self, routes: Routes, access_control: AccessControl) -> None:
        self.routes = routes
        self._access_control = access_control
        self._load_shedder: LoadShedder = access_control.load_shedder

    def admit(self, exchange: Exchange) -> None:
        """Check what a head shows; refuse a call that needs no body to be refused."""
        route = self.routes.find(exchange.path)
        exchange.body_bytes_max = route.body_bytes_max
        exchange.state = call = Call(exchange, route)
        try:
            self._access_control.admit(call)
        except ConnectError as error:
            _refuse(call, error)

    def answer(self, exchange: Exchange) -> None:
        """Answer a whole request. A token that was not seen before is verified first."""
        call: Call = exchange.state
        if call.principal is None:
            exchange.run(self._authenticate(call))
        else:
            self._serve(call)

    async def _authenticate(self, call: Call) -> None:
        try:
            await self._access_control.authenticate(call)
        except ConnectError as error:
            _refuse(call, error)
        except Exception:  # noqa: BLE001 - logged; the client gets 500
            with within(call):
                _log.exception("unexpected_error", path=call.exchange.path)
            call.respond(SERVER_ERROR)
        else:
            if not call.exchange.is_lost:
                self._serve(call)

    def _serve(self, call: Call) -> None:
        priority = call.route.access.priority
        try:
            if priority is not None:
                call.enter(self._load_shedder, priority)
        except ConnectError as error:
            _refuse(call, error)
            if seconds := self._load_shedder.pause_seconds():
                call.exchange.pause_reading(seconds)
            return
        call.route.answer(call)


def _refuse(call: Call, error: ConnectError) -> None:
    call.exchange.respond(refusal_response(error, call.fields.get(b"content-type", b"")))
