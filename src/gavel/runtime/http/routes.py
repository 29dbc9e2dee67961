"""Routes of a port, and the pipeline of a request to its route.

A route says what answers a path, who may call it, and how urgent it is. The pipeline goes in this order: rate limit by
address, authentication and role, the whole body, load shedding, and then the route, which decodes, lets the handler act
for a user, and answers. The connection's own limits come before.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog
from connectrpc.errors import ConnectError

from gavel.runtime.http.asgi import Asgi, run_asgi
from gavel.runtime.http.calls import Call
from gavel.runtime.http.connect.errors import RetryLater
from gavel.runtime.http.connect.protocol import refusal_response
from gavel.runtime.http.exchange import MISDIRECTED, NO_PAGE, SERVER_ERROR, Exchange, Response, json_response, refusal
from gavel.runtime.http.load_shedding import LoadShedder, Priority
from gavel.runtime.http.request_limits import REQUEST_BYTES_MAX
from gavel.runtime.telemetry.request_context import enter, within

if TYPE_CHECKING:
    from gavel.runtime.http.access_control import AccessControl

_log = structlog.get_logger(__name__)

_ONLY_GET = refusal(405, "unimplemented", "only GET", [(b"allow", b"GET, HEAD")])


@dataclass(frozen=True, slots=True)
class Access:
    """What a route requires of its caller: a token, maybe with a role, unless it is a public read or open.

    On an open route no token is verified, unless it `reads_token`.
    `priority` decides which calls are refused first under load; without one it takes no place and is never refused.
    """

    role: str = ""
    public_read: bool = False
    is_open: bool = False
    reads_token: bool = False
    priority: Priority | None = Priority.READ


# Pages that need no token, health among them.
OPEN = Access(is_open=True, priority=None)
# The same, for a page that shows who calls.
OPTIONAL_TOKEN = Access(is_open=True, reads_token=True, priority=None)


class Route(Protocol):
    """What answers a path."""

    @property
    def access(self) -> Access:
        """Who may call it, and how urgent it is."""
        ...

    @property
    def body_bytes_max(self) -> int:
        """The bound of a request's body."""
        ...

    def answer(self, call: Call) -> None:
        """Answer a call whose caller is known and whose body is whole, now or later."""
        ...


class Page:
    """Route of GET and HEAD, whose handler makes the whole response."""

    body_bytes_max = REQUEST_BYTES_MAX

    def __init__(self, handler: Callable[[Call], Awaitable[Response]], access: Access = OPEN) -> None:
        self.access = access
        self._handler = handler

    def answer(self, call: Call) -> None:
        """See Route.answer."""
        if call.exchange.method in ("GET", "HEAD"):
            task = call.exchange.run(self._serve(call))
            task.add_done_callback(lambda _: call.leave())
        else:
            call.respond(_ONLY_GET)

    async def _serve(self, call: Call) -> None:
        enter(call)
        try:
            response = await self._handler(call)
        except Exception:  # noqa: BLE001 - logged; the client gets 500
            _log.exception("unexpected_error", path=call.exchange.path)
            response = SERVER_ERROR
        call.respond(response)


class AsgiRoute:
    """Route of an ASGI application."""

    access = OPEN
    body_bytes_max = REQUEST_BYTES_MAX

    def __init__(self, app: Asgi) -> None:
        self._app = app

    def answer(self, call: Call) -> None:
        """See Route.answer."""
        call.exchange.run(self._serve(call))

    async def _serve(self, call: Call) -> None:
        enter(call)
        try:
            await run_asgi(self._app, call.exchange)
        finally:
            call.leave()


class NoPage:
    """Route of all paths where there is nothing."""

    access = OPEN
    body_bytes_max = REQUEST_BYTES_MAX

    def answer(self, call: Call) -> None:
        """See Route.answer."""
        call.respond(NO_PAGE)


class Routes:
    """Routes by path. A path that ends with a slash is that of all below it that have no route of their own."""

    def __init__(self, routes: Mapping[str, Route], otherwise: Route | None = None) -> None:
        self.by_path = dict(routes)
        self.otherwise: Route = NoPage() if otherwise is None else otherwise

    def find(self, path: str) -> Route:
        """The route of a path."""
        route = self.by_path.get(path)
        if route is None:
            route = self.by_path.get(path[: path.rfind("/") + 1], self.otherwise)
        return route


def json_page(handler: Callable[[Call], Awaitable[object]], access: Access = OPEN) -> Page:
    """A page whose handler makes a JSON value."""

    async def answer(call: Call) -> Response:
        return json_response(200, await handler(call))

    return Page(answer, access)


class Pipeline:
    """Handler of the requests of one port, by its routes and its access control."""

    def __init__(self, routes: Routes, access_control: "AccessControl") -> None:
        self.routes = routes
        self._access_control = access_control
        self._load_shedder: LoadShedder = access_control.load_shedder

    def admit(self, exchange: Exchange) -> None:
        """Check what a head shows; refuse a call that needs no body to be refused."""
        if self._access_control.is_misdirected(exchange):
            exchange.respond(MISDIRECTED)
            return
        route = self.routes.find(exchange.path)
        exchange.body_bytes_max = route.body_bytes_max
        exchange.state = call = Call(exchange, route)
        try:
            self._access_control.admit(call)
        except ConnectError as error:
            self._refuse(call, error)

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
            self._refuse(call, error)
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
            self._refuse(call, error)
            return
        call.route.answer(call)

    def _refuse(self, call: Call, error: ConnectError) -> None:
        """Answer with an error. A client that is to come back later is read again later, if very many are refused."""
        response = refusal_response(error, call.fields.get(b"content-type", b""))
        if not isinstance(error, RetryLater):
            call.exchange.respond(response)
            return
        seconds = self._access_control.pause_seconds(call)
        call.exchange.respond(response, close=seconds is None)
        if seconds:
            call.exchange.pause_reading(seconds)
