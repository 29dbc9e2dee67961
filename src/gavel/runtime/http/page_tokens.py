"""Page tokens: where a list goes on, readable only by the installation that gave it out."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable

_SIGNATURE_BYTES = 16
# The longest that is ever given out has a position and a filter in it; anything longer is not ours.
TOKEN_CHARACTERS_MAX = 1_024

Part = str | int


class PageTokenInvalid(Exception):
    """The token was not given out by this installation, or not for this list."""


class PageTokens:
    """Tokens signed with a secret that all processes of the installation share, read once when first needed."""

    def __init__(self, load_secret: Callable[[], Awaitable[bytes]]) -> None:
        self._load_secret = load_secret
        self._secret: bytes | None = None

    async def issue(self, page_list: str, *position: Part) -> str:
        """The token for a position in a list; `page_list` names the list with its filters."""
        payload = json.dumps(position, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(await self._signature(page_list, payload) + payload).decode().rstrip("=")

    async def read(self, page_list: str, token: str) -> list[Part]:
        """The position that a token was given out for. Raises PageTokenInvalid for any other text."""
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise PageTokenInvalid
        try:
            signed = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except (UnicodeEncodeError, binascii.Error) as error:
            raise PageTokenInvalid from error
        signature, payload = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, await self._signature(page_list, payload)):
            raise PageTokenInvalid
        return json.loads(payload)

    async def _signature(self, page_list: str, payload: bytes) -> bytes:
        if self._secret is None:
            self._secret = await self._load_secret()
        signed = len(page_list).to_bytes(4, "big") + page_list.encode() + payload
        return hashlib.blake2b(signed, key=self._secret, digest_size=_SIGNATURE_BYTES).digest()
