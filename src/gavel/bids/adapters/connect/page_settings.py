"""What the page must know of the installation, and of whoever looks at it."""

from collections.abc import Mapping

from gavel.runtime.http.health import send_json
from gavel.runtime.http.principals import current_principal
from gavel.runtime.http.server import Asgi, Receive, Scope, Send


def page_settings(told: Mapping[str, object]) -> Asgi:
    """GET /page.json: what everyone is told, and to the bearer of a token the id that their bids are placed under."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        user_id = current_principal().user_id
        await send_json(send, 200, told if user_id is None else {**told, "user_id": user_id})

    return app
