"""Page tokens: signed positions in a list, accepted only by the installation that issued them."""

import hashlib
from collections.abc import Awaitable, Callable

from itsdangerous import BadData, URLSafeSerializer

# The longest issued token has a time and an id. A longer text is refused before it is decoded.
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
        return (await self._serializer(page_list)).dumps(position)

    async def read(self, page_list: str, token: str) -> list[Part]:
        """Read the position from a token. Raises PageTokenInvalid for any text that was not issued for this list."""
        if len(token) > TOKEN_CHARACTERS_MAX or not token.isascii():
            raise PageTokenInvalid
        try:
            return (await self._serializer(page_list)).loads(token)
        except BadData as error:
            raise PageTokenInvalid from error

    async def _serializer(self, page_list: str) -> URLSafeSerializer:
        if self._secret is None:
            self._secret = await self._load_secret()
        # The salt makes a key of its own for each list, so that a token is valid for its list alone.
        signing = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        return URLSafeSerializer(self._secret, salt=page_list.encode(), signer_kwargs=signing)
