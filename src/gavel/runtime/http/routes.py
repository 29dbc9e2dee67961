"""Route table: for each path what answers it, who may call it, and how urgent it is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from gavel.runtime.http.asgi import Asgi, run_asgi
from gavel.runtime.http.calls import Call
from gavel.runtime.http.load_shedding import Priority
from gavel.runtime.http.request_limits import REQUEST_BYTES_MAX
from gavel.runtime.http.responses import NO_PAGE, SERVER_ERROR, Response, json_response, refusal
from gavel.runtime.telemetry.request_context import enter

_log = structlog.get_logger(__name__)

_ONLY_GET = refusal(405, "unimplemented", "only GET", [(b"allow", b"GET, HEAD")])


@dataclass(frozen=True, slots=True)
class Access:
    """What a route requires of its caller: a token, maybe with a role, unless it is a public read or open.

    `priority` decides which calls are refused first under load; without one it takes no place and is never refused.
    """

    role: str = ""
    public_read: bool = False
    is_open: bool = False
    priority: Priority | None = Priority.READ


# Pages that need no token, health among them.
OPEN = Access(is_open=True, priority=None)


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
