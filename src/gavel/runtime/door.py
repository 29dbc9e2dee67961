"""The door: what every call passes before anything of it is read. Whoever has no business inside is told so at once."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from connectrpc.code import Code
from connectrpc.errors import ConnectError

from gavel.runtime.callers import Caller, Known, Nobody, Trusted, let_in, token_needed
from gavel.runtime.connect import RetryLater, refusal_reply
from gavel.runtime.health import Check
from gavel.runtime.http_settings import HttpSettings
from gavel.runtime.serve import Asgi, Receive, Scope, Send
from gavel.runtime.token_keys import KeysAway, OneKey, ProviderKeys, discovered_key_set, key_set_at
from gavel.runtime.tokens import TokenInvalid, TokenVerifier

KEYS_AWAY_RETRY_AFTER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class CallRule:
    """What a procedure asks of its caller: nothing where it is a public read, else a token, and maybe a role."""

    role: str = ""
    public_read: bool = False


# By path. A path that is not among them is no procedure: its caller is let through as nobody.
CallRules = Mapping[str, CallRule]


class Door:
    """Lets calls in to an application, by its rules."""

    def __init__(self, verifier: TokenVerifier | None, *, public_reads: bool = True) -> None:
        """Without a verifier everyone is trusted."""
        self._verifier = verifier
        self._public_reads = public_reads
        self._nobody, self._trusted = Nobody(), Trusted()

    def before(self, app: Asgi, rules: CallRules) -> Asgi:
        """The application with this door before it."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                let_in(await self._caller(scope, rules))
            except ConnectError as error:
                await _refuse(scope, send, error)
                return
            await app(scope, receive, send)

        return guarded

    async def _caller(self, scope: Scope, rules: CallRules) -> Caller:
        if self._verifier is None:
            return self._trusted
        rule, authorization = rules.get(scope["path"]), _header(scope, b"authorization")
        if not authorization:
            if rule is not None and not (rule.public_read and self._public_reads):
                raise token_needed()
            return self._nobody
        try:
            actor = await self._verifier.actor(authorization)
        except TokenInvalid as error:
            if rule is None:
                return self._nobody
            raise ConnectError(Code.UNAUTHENTICATED, str(error)) from error
        except KeysAway as error:
            raise RetryLater(Code.UNAVAILABLE, f"{error}: try again", KEYS_AWAY_RETRY_AFTER_SECONDS) from error
        if rule is not None and rule.role and not actor.may(rule.role):
            raise ConnectError(Code.PERMISSION_DENIED, f"this needs the role {rule.role}")
        return Known(actor)


@asynccontextmanager
async def open_door(settings: HttpSettings) -> AsyncGenerator[tuple[Door, Mapping[str, Check]]]:
    """The door that the settings ask for, and what must hold for it to work; keys are renewed inside the context."""
    if settings.auth_mode == "trusted":
        yield Door(None), {}
        return
    key = settings.public_key()
    if key is not None:
        yield Door(_verifier(settings, OneKey(key)), public_reads=settings.public_reads), {}
        return
    fetch = key_set_at(settings.jwt_jwks_url) if settings.jwt_jwks_url else discovered_key_set(settings.jwt_issuer)
    keys = ProviderKeys(fetch, settings.jwt_algorithms)
    async with keys.renewing().running():
        yield Door(_verifier(settings, keys), public_reads=settings.public_reads), {"token_keys": keys.problem}


def _verifier(settings: HttpSettings, keys: OneKey | ProviderKeys) -> TokenVerifier:
    return TokenVerifier(
        keys,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        algorithms=settings.jwt_algorithms,
        roles_claim=settings.jwt_roles_claim,
    )


def _header(scope: Scope, name: bytes) -> bytes:
    for each, value in scope["headers"]:
        if each == name:
            return value
    return b""


async def _refuse(scope: Scope, send: Send, error: ConnectError) -> None:
    status, headers, body = refusal_reply(error, _header(scope, b"content-type"))
    if error.code is Code.UNAUTHENTICATED:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
