"""Where the keys of tokens come from: a file, or the provider's key set, found by OpenID Connect Discovery."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import structlog
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK, PyJWKClient, PyJWKSet
from jwt.exceptions import PyJWTError

from gavel.runtime.loops import Loop

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
Key = PyJWK | PublicKey

FETCH_SECONDS_MAX = 5.0
# A provider publishes a new key well before it signs with it; one that it withdrew is believed for this long.
RENEW_SECONDS = 300.0
# Tokens that name an unknown key make the set be fetched at once, so often in a row, and then once in a while:
# whoever forges tokens must not be able to make Gavel flood the provider.
EXTRA_FETCHES_MAX = 5
EXTRA_FETCH_SECONDS = 30.0

_DISCOVERY_PATH = "/.well-known/openid-configuration"

_log = structlog.get_logger(__name__)


class KeysAway(Exception):
    """The provider's keys can't be had now, so that no unseen token can be judged."""


class TokenKeys(Protocol):
    """The keys that tokens may be signed with."""

    @property
    def generation(self) -> int:
        """A number that rises when a key is no longer good."""
        ...

    async def candidates(self, key_id: str | None) -> Sequence[Key]:
        """The keys that a token which names this key may be signed with. Raises KeysAway."""
        ...


class OneKey:
    """A public key that someone has put into a file."""

    generation = 0

    def __init__(self, key: PublicKey) -> None:
        self._key = key

    async def candidates(self, key_id: str | None) -> Sequence[Key]:  # noqa: ARG002 - whatever a token calls it
        """See TokenKeys.candidates."""
        return (self._key,)


def public_key_of(pem: bytes) -> PublicKey:
    """The RSA, EC or Ed25519 public key in a PEM text. Raises ValueError where there is none."""
    key = load_pem_public_key(pem)
    if not isinstance(key, PublicKey):
        raise ValueError("no key that tokens are signed with")  # noqa: TRY004 - the text is wrong, not its type
    return key


FetchKeySet = Callable[[], Awaitable[dict[str, Any]]]


class ProviderKeys:
    """The provider's key set: fetched ahead of the first token, again now and then, and for a key that is unknown.

    While the provider is away the keys that are known stay good.
    """

    def __init__(
        self, fetch: FetchKeySet, algorithms: Sequence[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._algorithms = frozenset(algorithms)
        self._clock = clock
        self._keys: tuple[PyJWK, ...] = ()
        self._fetching: asyncio.Task[None] | None = None
        self._extra_fetches_used = 0.0
        self._extra_seconds = clock()
        self.generation = 0

    def renewing(self) -> Loop:
        """The part that keeps the set current."""

        async def renew() -> bool:
            await self._fetched()
            return False

        return Loop("token-keys", renew, RENEW_SECONDS, (KeysAway,))

    async def problem(self) -> str | None:
        """What keeps tokens from being judged, None where nothing does: a check for readiness."""
        return None if self._keys else "the provider's keys could not be fetched yet"

    async def candidates(self, key_id: str | None) -> Sequence[Key]:
        """See TokenKeys.candidates."""
        found = self._matching(key_id)
        if not found and (self._fetching_now or self._may_fetch_extra()):
            await self._fetched()
            found = self._matching(key_id)
        if not self._keys:
            raise KeysAway("the provider's keys can't be fetched")
        return found

    def _matching(self, key_id: str | None) -> Sequence[PyJWK]:
        return [key for key in self._keys if key_id is None or key.key_id == key_id]

    @property
    def _fetching_now(self) -> bool:
        return self._fetching is not None and not self._fetching.done()

    def _may_fetch_extra(self) -> bool:
        """Take one out of the extra fetches, which come back one by one with time."""
        now_seconds = self._clock()
        regained = (now_seconds - self._extra_seconds) / EXTRA_FETCH_SECONDS
        self._extra_fetches_used, self._extra_seconds = max(0.0, self._extra_fetches_used - regained), now_seconds
        if self._extra_fetches_used + 1 > EXTRA_FETCHES_MAX:
            return False
        self._extra_fetches_used += 1
        return True

    async def _fetched(self) -> None:
        """Wait for a fetch, the one under way where there is one. Raises KeysAway."""
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._renew(), name="token keys")
        await asyncio.shield(self._fetching)

    async def _renew(self) -> None:
        try:
            async with asyncio.timeout(2 * FETCH_SECONDS_MAX):
                told = PyJWKSet.from_dict(await self._fetch())
        except (OSError, TimeoutError, ValueError, PyJWTError) as error:
            _log.warning("token_keys_not_fetched", error=type(error).__name__)
            raise KeysAway("the provider's keys can't be fetched") from error
        keys = tuple(
            key for key in told.keys if key.public_key_use in ("sig", None) and key.algorithm_name in self._algorithms
        )
        if not keys:
            raise KeysAway("the provider has no key of an algorithm that is allowed")
        if {key.key_id for key in self._keys} - {key.key_id for key in keys}:
            self.generation += 1
        if [key.key_id for key in self._keys] != [key.key_id for key in keys]:
            _log.info("token_keys", count=len(keys))
        self._keys = keys


def key_set_at(url: str) -> FetchKeySet:
    """A fetch of the key set (RFC 7517) at a URL."""

    async def fetch() -> dict[str, Any]:
        return await _fetch_object(url)

    return fetch


def discovered_key_set(issuer: str) -> FetchKeySet:
    """A fetch of the key set that the issuer's OpenID Connect Discovery document names."""

    async def fetch() -> dict[str, Any]:
        document = await _fetch_object(issuer.rstrip("/") + _DISCOVERY_PATH)
        if document.get("issuer") != issuer:
            raise ValueError("the discovery document is another issuer's")
        return await _fetch_object(str(document.get("jwks_uri", "")))

    return fetch


async def _fetch_object(url: str) -> dict[str, Any]:
    # In a thread, which it leaves within its timeout; it follows no redirect, and takes http and https alone.
    return await asyncio.to_thread(PyJWKClient(url, cache_jwk_set=False, timeout=FETCH_SECONDS_MAX).fetch_data)
