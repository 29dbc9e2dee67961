"""A provider of identities: its discovery document, its key set, and the tokens that it signs."""

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import httpx

from gavel.contracts.bids.v1.bid_service_pb import PlaceBidRequest
from tests.e2e.gavel_process import Standalone
from tests.tokens import SigningKey

NAMELESS = "00000000-0000-4000-8000-000000000000"


class Answer(NamedTuple):
    """What a provider, or a firewall before it, answers."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = MappingProxyType({"Content-Type": "application/json"})


class Provider:
    """What a provider serves, to be changed by hand."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = SigningKey("first")
        self.fetches = 0
        self.agents: list[str] = []

    def answer(self, path: str, /) -> Answer:
        """The answer to a request."""
        told = self.document(path)
        return Answer(200 if told else 404, json.dumps(told).encode())

    def document(self, path: str, /) -> dict[str, Any] | None:
        """What is under a path."""
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        if path == "/keys":
            self.fetches += 1
            return {"keys": [self.key.jwk]}
        return None

    def sign(self, subject: str, **claims: Any) -> str:
        """A token of any user."""
        return self.key.sign(issuer=self.issuer, sub=subject, **claims)

    def headers(self, subject: str, **claims: Any) -> dict[str, str]:
        """The header that carries one."""
        return {"Authorization": f"Bearer {self.sign(subject, **claims)}"}


@contextmanager
def running_provider() -> Generator[Provider]:
    """A provider on a private port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.agents.append(self.headers.get("User-Agent", ""))
            answer = provider.answer(self.path)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            # A client need not read what it does not want.
            with suppress(ConnectionError):
                self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = Provider(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A Gavel that asks for tokens, and who signs them."""

    gavel: Standalone
    provider: Provider

    async def sign(self, request: httpx.Request) -> None:
        """Give a request the token of the user that its body names, of anyone where it names none."""
        if "authorization" not in request.headers:
            request.headers.update(self.provider.headers(_actor_of(request.content) or NAMELESS))


def _actor_of(body: bytes) -> str | None:
    try:
        fields = cast("dict[str, object]", json.loads(body))
    except (ValueError, RecursionError):
        return _actor_of_message(body)
    if not isinstance(fields, dict):  # pyright: ignore[reportUnnecessaryIsInstance] - JSON may be anything
        return None
    named = [fields.get(name) for name in ("userId", "user_id", "sellerId")]
    return next((name for name in named if isinstance(name, str) and name.isprintable() and name.strip()), None)


def _actor_of_message(body: bytes) -> str | None:
    """The same for a bid in binary."""
    try:
        return PlaceBidRequest.from_binary(body).user_id or None
    except Exception:  # noqa: BLE001 - whatever a body that is no message makes the parser raise
        return None
