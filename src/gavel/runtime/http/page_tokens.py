"""Page tokens: signed positions in a list, accepted only by the installation that issued them."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable

_SIGNATURE_BYTES = 16
# The longest token that is issued has a position and a filter in it; a longer one is not ours.
TOKEN_CHARACTERS_MAX = 1_024

Part = str | int


class PageTokenInvalid(Exception):
    """The token was not issued by this installation, or not for this list."""


class PageTokens:
    """Tokens signed with a secret that all processes of the installation share, read once when first needed."""

    def __init__(self, load_secret: Callable[[], Awaitable[bytes]]) -> None:
        self._load_secret = load_secret
        self._secret: bytes | None = None

    async def issue(self, page_list: str, *position: Part) -> str:
        """Issue the token for a position in a list; `page_list` names the list with its filters."""
        payload = json.dumps(position, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(await self._signature(page_list, payload) + payload).decode().rstrip("=")

    async def read(self, page_list: str, token: str) -> list[Part]:
        """Read the position from a token. Raises PageTokenInvalid for any text that was not issued for this list."""
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
