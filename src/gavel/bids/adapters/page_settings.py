"""What the page must know of the installation before anyone signs in."""

from gavel.runtime.health import send_json
from gavel.runtime.serve import Asgi, Receive, Scope, Send


def page_settings(auth_mode: str, currency: str) -> Asgi:
    """GET /page.json: how people prove who they are, and the house currency."""
    told = {"auth_mode": auth_mode, "currency": currency}

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send_json(send, 200, told)

    return app
