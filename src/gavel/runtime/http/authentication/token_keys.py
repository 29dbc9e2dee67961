"""The public keys that tokens are signed with: one from a file, or the identity provider's key set."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, NamedTuple, Protocol, cast

import structlog
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from gavel.runtime.process.loops import Loop

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

# A fetch asks for two documents, one after the other.
FETCHES_SECONDS_MAX = 10.0
# A provider publishes a new key well before it signs with it; a withdrawn key is accepted for this long.
RENEW_SECONDS = 300.0
# A token with an unknown key or a wrong signature causes a fetch at once: this many in a row, and then one in each
# EXTRA_FETCH_SECONDS. Forged tokens must not make Gavel flood the provider.
UNKNOWN_KEY_FETCHES_MAX = 5
WRONG_SIGNATURE_FETCHES_MAX = 1
EXTRA_FETCH_SECONDS = 30.0
# A token that names no key is tried with each.
KEYS_MAX = 100
RSA_BITS_MIN = 2_048

_REASONS_MAX = 5
_NAME_CHARACTERS_MAX = 20

_RSA_ALGORITHMS = frozenset(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"))
_EC_ALGORITHMS = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}

_log = structlog.get_logger(__name__)


class KeysAway(Exception):
    """The provider's keys are unavailable, so no unseen token can be verified. The text may be shown to clients."""


class Key(NamedTuple):
    """A public key and the algorithms that a token signed with it may name."""

    key: PublicKey
    algorithms: frozenset[str]
    key_id: str | None = None


class TokenKeys(Protocol):
    """The keys that tokens may be signed with."""

    @property
    def generation(self) -> int:
        """A number that rises when a key is removed or replaced: what it signed has to be verified again."""
        ...

    async def candidates(self, key_id: str | None) -> Sequence[Key]:
        """The keys that a token which names this key may be signed with. Raises KeysAway."""
        ...

    async def replacements(self, key_id: str | None) -> Sequence[Key]:
        """New candidates, after none of the earlier ones had signed the token; empty if the keys are unchanged."""
        ...


class OneKey:
    """A public key from a file."""

    generation = 0

    def __init__(self, key: PublicKey) -> None:
        self._key = Key(key, algorithms_of(key))

    async def candidates(self, key_id: str | None) -> Sequence[Key]:  # noqa: ARG002 - whatever a token calls it
        """See TokenKeys.candidates."""
        return (self._key,)

    async def replacements(self, key_id: str | None) -> Sequence[Key]:  # noqa: ARG002 - a file is read once
        """See TokenKeys.replacements."""
        return ()


def public_key_of(pem: bytes) -> PublicKey:
    """The RSA, EC or Ed25519 public key in a PEM text. Raises ValueError if it has none, or a weak one."""
    return _checked(load_pem_public_key(pem))


def algorithms_of(key: PublicKey) -> frozenset[str]:
    """The signature algorithms (RFC 7518, RFC 8037) that a key can be used with."""
    if isinstance(key, RSAPublicKey):
        return _RSA_ALGORITHMS
    if isinstance(key, EllipticCurvePublicKey):
        return frozenset(filter(None, (_EC_ALGORITHMS.get(key.curve.name),)))
    return frozenset(("EdDSA",))


def _checked(key: object) -> PublicKey:
    if not isinstance(key, PublicKey):
        raise ValueError("not a public RSA, EC or Ed25519 key")  # noqa: TRY004 - the text is wrong, not its type
    if isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS_MIN:
        raise ValueError(f"an RSA key of {key.key_size} bits, where {RSA_BITS_MIN} are the least that is safe")
    return key


FetchKeySet = Callable[[], Awaitable[dict[str, Any]]]


class FetchFailed(Exception):
    """The key set could not be fetched; the text gives the source and the reason in one line, and no secret."""


class ProviderKeys:
    """The provider's key set, fetched before the first token, at intervals, and for an unknown key.

    While the provider is away, known keys stay valid.
    """

    def __init__(
        self, fetch: FetchKeySet, algorithms: Collection[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._algorithms = frozenset(algorithms)
        self._keys: tuple[Key, ...] = ()
        self._fetching: asyncio.Task[None] | None = None
        self._problem = "no fetch has ended yet"
        self._unknown_key_fetches = _Allowance(UNKNOWN_KEY_FETCHES_MAX, clock)
        self._wrong_signature_fetches = _Allowance(WRONG_SIGNATURE_FETCHES_MAX, clock)
        self.generation = 0

    def renewing(self) -> Loop:
        """Make the loop that keeps the key set current."""

        async def renew() -> bool:
            await self._fetched()
            return False

        return Loop("token-keys", renew, RENEW_SECONDS, (KeysAway,))

    async def problem(self) -> str | None:
        """Readiness check: why no token can be verified; None if tokens can be."""
        return None if self._keys else f"the provider's keys could not be fetched yet: {self._problem}"

    async def candidates(self, key_id: str | None) -> Sequence[Key]:
        """See TokenKeys.candidates."""
        found = self._matching(key_id)
        if not found and (self._fetching_now or self._unknown_key_fetches.take()):
            await self._fetched()
            found = self._matching(key_id)
        if not self._keys:
            raise KeysAway("the provider's keys can't be fetched")
        return found

    async def replacements(self, key_id: str | None) -> Sequence[Key]:
        """See TokenKeys.replacements. Empty while the provider can't be reached."""
        before = self._matching(key_id)
        if not (self._fetching_now or self._wrong_signature_fetches.take()):
            return ()
        try:
            await self._fetched()
        except KeysAway:
            return ()
        return [key for key in self._matching(key_id) if key not in before]

    def _matching(self, key_id: str | None) -> Sequence[Key]:
        return [key for key in self._keys if key_id is None or key.key_id == key_id]

    @property
    def _fetching_now(self) -> bool:
        return self._fetching is not None and not self._fetching.done()

    async def _fetched(self) -> None:
        """Wait for a fetch, the one under way if there is one. Raises KeysAway."""
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._renew(), name="token keys")
        await asyncio.shield(self._fetching)

    async def _renew(self) -> None:
        try:
            async with asyncio.timeout(FETCHES_SECONDS_MAX):
                keys, skipped = self._read(await self._fetch())
            if not keys:
                raise FetchFailed(f"the key set has no usable key: {'; '.join(skipped) or 'it is empty'}")
        except (FetchFailed, TimeoutError) as error:
            self._problem = str(error) or f"no answer within {FETCHES_SECONDS_MAX:g} s"
            _log.warning("token_keys_fetch_failed", error=self._problem)
            raise KeysAway("the provider's keys can't be fetched") from error
        if any(key not in keys for key in self._keys):
            self.generation += 1
        if self._keys != keys:
            _log.info("token_keys_loaded", count=len(keys), skipped=skipped)
        self._keys = keys

    def _read(self, key_set: dict[str, Any]) -> tuple[tuple[Key, ...], list[str]]:
        """The usable keys of a set, and why others are not usable, each reason once."""
        listed: object = key_set.get("keys")
        keys: list[Key] = []
        skipped: dict[str, None] = {}
        for entry in cast("list[object]", listed) if isinstance(listed, list) else ():
            if len(keys) == KEYS_MAX:
                skipped[f"only the first {KEYS_MAX} keys are used"] = None
                break
            try:
                keys.append(self._key_of(entry))
            except ValueError as error:
                skipped[str(error)] = None
        return tuple(keys), list(skipped)[:_REASONS_MAX]

    def _key_of(self, entry: object) -> Key:
        """The key in an entry of a key set (RFC 7517). Raises ValueError if tokens can't be verified with it."""
        if not isinstance(entry, dict):
            raise ValueError("an entry is malformed")  # noqa: TRY004 - the document is wrong, not its type
        jwk = cast("dict[str, Any]", entry)
        key_id, use, algorithm = jwk.get("kid"), jwk.get("use"), jwk.get("alg")
        if use not in ("sig", None):
            raise ValueError("a key is not for signatures")
        if not isinstance(key_id, str | None) or not isinstance(algorithm, str | None):
            raise ValueError("an entry is malformed")  # noqa: TRY004 - the document is wrong, not its type
        if algorithm is not None and algorithm not in self._algorithms:
            raise ValueError(f"a key is for {algorithm[:_NAME_CHARACTERS_MAX]!r}, which is not in JWT_ALGORITHMS")
        try:
            key = _checked(PyJWK(jwk).key)
        except (PyJWTError, TypeError) as error:
            # Its text may quote the entry.
            raise ValueError("an entry is malformed, or of an unknown type") from error
        # A key that names no algorithm may be used with each that fits its type.
        usable = algorithms_of(key) & (self._algorithms if algorithm is None else {algorithm})
        if not usable:
            raise ValueError("a key is for no algorithm of JWT_ALGORITHMS")
        return Key(key, usable, key_id)


class _Allowance:
    """A number of tries that may be used at once and are regained one by one, each after EXTRA_FETCH_SECONDS."""

    def __init__(self, tries_max: int, clock: Callable[[], float]) -> None:
        self._tries_max = tries_max
        self._clock = clock
        self._used = 0.0
        self._counted_seconds = clock()

    def take(self) -> bool:
        """Use one try; False if none is left."""
        now_seconds = self._clock()
        regained = (now_seconds - self._counted_seconds) / EXTRA_FETCH_SECONDS
        self._used, self._counted_seconds = max(0.0, self._used - regained), now_seconds
        if self._used + 1 > self._tries_max:
            return False
        self._used += 1
        return True
