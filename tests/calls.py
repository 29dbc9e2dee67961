"""Calls for tests of handlers and routes: on no connection, or from a client of a real server."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager

import httpx

from gavel.runtime.http.access_control import AccessControl
from gavel.runtime.http.calls import Call, Principal, Trusted
from gavel.runtime.http.connection import HttpConnection
from gavel.runtime.http.exchange import Exchange
from gavel.runtime.http.request_limits import RequestLimits
from gavel.runtime.http.request_parser import Head, Header
from gavel.runtime.http.routes import NoPage, Pipeline, Route, Routes
from gavel.runtime.http.server import HttpServer, address_of, bind, serving


def new_call(headers: Iterable[Header] = (), principal: Principal | None = None) -> Call:
    """A call on no connection, by default of a trusted caller. Must be made in a running event loop."""
    server = HttpServer(Pipeline(Routes({}), AccessControl()), RequestLimits(), None)
    head = Head(b"POST", b"/", "1.1", list(headers), keep_alive=True)
    call = Call(Exchange(HttpConnection(server), head), NoPage())
    call.principal = Trusted() if principal is None else principal
    return call


@asynccontextmanager
async def client_of(
    routes: Mapping[str, Route], access_control: AccessControl | None = None, otherwise: Route | None = None
) -> AsyncGenerator[httpx.AsyncClient]:
    """Serve routes on a free port, and yield a client of them."""
    listener = bind("127.0.0.1", 0)
    handler = Pipeline(Routes(routes, otherwise), access_control or AccessControl())
    async with (
        serving(handler, listener),
        httpx.AsyncClient(base_url=address_of(listener), timeout=30) as client,
    ):
        yield client
