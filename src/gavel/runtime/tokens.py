"""Bearer tokens (RFC 6750, RFC 7519): who someone is, proved by a signature, and remembered until it expires."""

import time
from collections.abc import Callable, Sequence
from typing import Any, cast
from uuid import NAMESPACE_URL, UUID, uuid5

import jwt
from jwt.exceptions import (
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidAudienceError,
    InvalidIssuerError,
    MissingRequiredClaimError,
    PyJWTError,
)

from gavel.runtime.callers import Actor
from gavel.runtime.token_keys import Key, TokenKeys

# Of public keys only: with a shared secret, whoever can check tokens can make them.
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
LEEWAY_SECONDS = 30
TOKEN_BYTES_MAX = 8_192
# About 20 MB where all are of the usual kilobyte.
REMEMBERED_TOKENS_MAX = 10_000

_SCHEME = b"bearer "
_REQUIRED = ["exp", "iss", "aud", "sub"]
_PROBLEMS: dict[type[Exception], str] = {
    ExpiredSignatureError: "the token has expired",
    ImmatureSignatureError: "the token is not valid yet",
    InvalidIssuerError: "the token is another issuer's",
    InvalidAudienceError: "the token is meant for another audience",
}


class TokenInvalid(Exception):
    """The token proves nothing; the text says why, and quotes nothing of it."""


class TokenVerifier:
    """Reads Authorization headers. A token that was seen before costs one look into a dict."""

    def __init__(
        self,
        keys: TokenKeys,
        *,
        issuer: str,
        audience: str,
        algorithms: Sequence[str],
        roles_claim: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._algorithms = list(algorithms)
        self._roles_claim = roles_claim.split(".")
        self._clock = clock
        self._seen: dict[bytes, Actor] = {}
        self._seen_generation = keys.generation

    async def actor(self, authorization: bytes) -> Actor:
        """The user that a header's token names. Raises TokenInvalid, or KeysAway where that can't be told now."""
        seen = self._seen.get(authorization)
        if seen is not None and self._clock() < seen.until_seconds and self._seen_generation == self._keys.generation:
            return seen
        if authorization[: len(_SCHEME)].lower() != _SCHEME or len(authorization) > TOKEN_BYTES_MAX:
            raise TokenInvalid("a bearer token is needed")
        claims = await self._claims(authorization[len(_SCHEME) :].strip())
        actor = Actor(self._user_id(claims["sub"]), self._roles(claims), float(claims["exp"]) + LEEWAY_SECONDS)
        self._remember(authorization, actor)
        return actor

    async def _claims(self, token: bytes) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
        except (PyJWTError, ValueError) as error:
            raise TokenInvalid("the token is malformed") from error
        if header.get("alg") not in self._algorithms:
            raise TokenInvalid("the token is signed by an algorithm that is not allowed")
        problem = "the token is signed by an unknown key"
        for key in await self._keys.candidates(header.get("kid")):
            try:
                return self._checked(token, key)
            except (PyJWTError, ValueError, TypeError) as error:
                problem = _problem_of(error)
        raise TokenInvalid(problem)

    def _checked(self, token: bytes, key: Key) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=self._algorithms,
            audience=self._audience,
            issuer=self._issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": _REQUIRED},
        )

    def _user_id(self, subject: object) -> str:
        """The subject where it is a UUID in canonical form, else one derived from issuer and subject."""
        if not isinstance(subject, str) or not subject.strip():
            raise TokenInvalid("the token has no subject")
        try:
            canonical = str(UUID(subject))
        except ValueError:
            canonical = ""
        return canonical if canonical == subject.lower() else str(uuid5(uuid5(NAMESPACE_URL, self._issuer), subject))

    def _roles(self, claims: dict[str, Any]) -> frozenset[str] | None:
        """The roles that the claim lists, as an array or as words of a text; None where there is no such claim."""
        found: object = claims
        for name in self._roles_claim:
            found = cast("dict[str, object]", found).get(name) if isinstance(found, dict) else None
        if found is None:
            return None
        listed = found.split() if isinstance(found, str) else found
        return frozenset(map(str, cast("list[object]", listed))) if isinstance(listed, list) else frozenset()

    def _remember(self, authorization: bytes, actor: Actor) -> None:
        if self._seen_generation != self._keys.generation:
            self._seen.clear()
            self._seen_generation = self._keys.generation
        if len(self._seen) >= REMEMBERED_TOKENS_MAX:
            # The one that was seen first: about the one that expires first.
            del self._seen[next(iter(self._seen))]
        self._seen[authorization] = actor


def _problem_of(error: Exception) -> str:
    if isinstance(error, MissingRequiredClaimError):
        return f"the token has no {error.claim}"
    return _PROBLEMS.get(type(error), "the token is not what it should be")
