"""Bearer tokens (RFC 6750, RFC 7519): verify a signed token, and remember its user until it expires."""

import time
from collections.abc import Callable, Sequence
from typing import Any, cast
from uuid import NAMESPACE_URL, UUID, uuid5

import jwt
import structlog
from jwt.exceptions import (
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidAlgorithmError,
    InvalidIssuerError,
    InvalidKeyError,
    InvalidSignatureError,
    MissingRequiredClaimError,
    PyJWTError,
)

from gavel.runtime.http.authentication.token_keys import Key, TokenKeys
from gavel.runtime.http.calls import Actor

# Public-key algorithms only: a shared secret that verifies tokens can also sign them.
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
DEFAULT_ROLES_CLAIM = "roles"
LEEWAY_SECONDS = 30
TOKEN_BYTES_MAX = 8_192
# About 20 MB for tokens of the usual kilobyte.
REMEMBERED_TOKENS_MAX = 10_000
# A warning about claims repeats at most this often, however many tokens cause it.
WARNING_SECONDS = 300.0

_SCHEME = b"bearer "
_REQUIRED = ["exp", "iss", "sub"]
_NOT_SIGNED_BY_KEY = (InvalidSignatureError, InvalidAlgorithmError, InvalidKeyError)
_PROBLEMS: dict[type[Exception], str] = {
    ExpiredSignatureError: "the token has expired",
    ImmatureSignatureError: "the token is not valid yet",
    InvalidIssuerError: "the token is another issuer's",
}

_log = structlog.get_logger(__name__)


class TokenInvalid(Exception):
    """The token is not accepted; the text gives the reason, and quotes nothing of the token."""


class TokenVerifier:
    """Verifies the tokens in Authorization headers. A token that was seen before costs one lookup in a dict."""

    def __init__(
        self,
        keys: TokenKeys,
        *,
        issuer: str,
        audience: str = "",
        client_ids: Sequence[str] = (),
        algorithms: Sequence[str],
        roles_claim: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Accept tokens for the audience, and tokens without any audience that one of the clients asked for.

        Without a `roles_claim` the roles are those of DEFAULT_ROLES_CLAIM, and a token without that claim may bid and
        sell. With one, a token without the claim has no role.
        """
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._client_ids = frozenset(client_ids)
        self._algorithms = tuple(algorithms)
        self._roles_claim = roles_claim or DEFAULT_ROLES_CLAIM
        self._roles_required = bool(roles_claim)
        self._clock = clock
        self._warned_seconds: dict[str, float] = {}
        self._seen: dict[bytes, Actor] = {}
        self._seen_generation = keys.generation

    def seen(self, authorization: bytes) -> Actor | None:
        """The user that a header's token names, if it was verified before and is still valid."""
        seen = self._seen.get(authorization)
        if seen is not None and self._clock() < seen.until_seconds and self._seen_generation == self._keys.generation:
            return seen
        return None

    async def actor(self, authorization: bytes) -> Actor:
        """The user that a header's token names. Raises TokenInvalid, or KeysAway if it can't be verified now."""
        if (seen := self.seen(authorization)) is not None:
            return seen
        if authorization[: len(_SCHEME)].lower() != _SCHEME:
            raise TokenInvalid("a bearer token is needed")
        if len(authorization) > TOKEN_BYTES_MAX:
            raise TokenInvalid(f"the token is longer than {TOKEN_BYTES_MAX} bytes")
        claims = await self._claims(authorization[len(_SCHEME) :].strip())
        self._check_audience(claims)
        actor = Actor(self._user_id(claims["sub"]), self._roles(claims), _seconds_of(claims["exp"]) + LEEWAY_SECONDS)
        self._remember(authorization, actor)
        return actor

    async def _claims(self, token: bytes) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
        except (PyJWTError, ValueError) as error:
            raise TokenInvalid("the token is not a signed JWT") from error
        if header.get("alg") not in self._algorithms:
            raise TokenInvalid("the token is signed by an algorithm that is not allowed")
        keys = await self._keys.candidates(header.get("kid"))
        claims = self._verified(token, keys)
        if claims is None and keys:
            # The provider may have put another key under the same name.
            claims = self._verified(token, await self._keys.replacements(header.get("kid")))
        if claims is None:
            raise TokenInvalid("the token is not signed by a key of its issuer")
        return claims

    def _verified(self, token: bytes, keys: Sequence[Key]) -> dict[str, Any] | None:
        """The claims of a token, None if none of the keys has signed it. Raises TokenInvalid for its claims."""
        for key in keys:
            try:
                return jwt.decode(
                    token,
                    key.key,
                    algorithms=[each for each in self._algorithms if each in key.algorithms],
                    issuer=self._issuer,
                    leeway=LEEWAY_SECONDS,
                    options={"require": _REQUIRED, "verify_aud": False},
                )
            except _NOT_SIGNED_BY_KEY:
                continue
            except (PyJWTError, ValueError, TypeError) as error:
                raise TokenInvalid(_problem_of(error)) from error
        return None

    def _check_audience(self, claims: dict[str, Any]) -> None:
        """Raise TokenInvalid unless the token is for the audience, or has none and was given to one of the clients."""
        audience: object = claims.get("aud")
        if audience:
            named = cast("list[object]", audience) if isinstance(audience, list) else [audience]
            if not self._audience or self._audience not in named:
                raise TokenInvalid("the token is meant for another audience")
            return
        if not self._client_ids:
            raise TokenInvalid("the token has no aud")
        # RFC 9068 has `client_id`, OpenID Connect `azp`.
        client_id: object = claims.get("client_id") or claims.get("azp")
        if not isinstance(client_id, str) or client_id not in self._client_ids:
            raise TokenInvalid("the token has no aud, and is another client's")
        # Amazon Cognito states the use of each token.
        if claims.get("token_use", "access") != "access":
            raise TokenInvalid("the token is not an access token")

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
        """The roles in the claim, a list of strings or one string of words; None if it is absent and not required."""
        found = claim(claims, self._roles_claim)
        if found is None:
            if not self._roles_required:
                return None
            self._warn("the claim is absent")
            return frozenset()
        listed = found.split() if isinstance(found, str) else found
        if isinstance(listed, list) and all(isinstance(each, str) for each in cast("list[object]", listed)):
            return frozenset(cast("list[str]", listed))
        self._warn("the claim is neither a list of strings nor a string")
        return frozenset()

    def _warn(self, reason: str) -> None:
        """Log that tokens have no role, for each reason once in WARNING_SECONDS."""
        now_seconds = self._clock()
        if now_seconds - self._warned_seconds.get(reason, -WARNING_SECONDS) >= WARNING_SECONDS:
            self._warned_seconds[reason] = now_seconds
            _log.warning("token_without_roles", reason=reason, claim=self._roles_claim, setting="JWT_ROLES_CLAIM")

    def _remember(self, authorization: bytes, actor: Actor) -> None:
        if self._seen_generation != self._keys.generation:
            self._seen.clear()
            self._seen_generation = self._keys.generation
        if len(self._seen) >= REMEMBERED_TOKENS_MAX:
            # The one that was seen first: about the one that expires first.
            del self._seen[next(iter(self._seen))]
        self._seen[authorization] = actor


def claim(claims: object, name: str) -> object:
    """The claim of this name, else the one at this dotted path. None if there is neither.

    The parts of a path may contain dots themselves, as in `resource_access.auction.example.com.roles`.
    """
    if not isinstance(claims, dict):
        return None
    inside = cast("dict[str, object]", claims)
    found, dot = inside.get(name), name.rfind(".")
    while found is None and dot > 0:
        found = claim(inside.get(name[:dot]), name[dot + 1 :])
        dot = name.rfind(".", 0, dot)
    return found


def _problem_of(error: Exception) -> str:
    if isinstance(error, MissingRequiredClaimError):
        return f"the token has no {error.claim}"
    return _PROBLEMS.get(type(error), "the token has a malformed claim")


def _seconds_of(time_claim: Any) -> float:
    """Convert a time that `jwt.decode` has accepted. Raises TokenInvalid if it is too large for a float."""
    try:
        return float(time_claim)
    except OverflowError as error:
        raise TokenInvalid("the token has a malformed claim") from error
