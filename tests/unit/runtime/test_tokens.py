"""What a token has to be, and what is remembered of it."""

import base64
import json
import time
from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from gavel.runtime import tokens
from gavel.runtime.callers import Actor
from gavel.runtime.token_keys import Key, OneKey
from gavel.runtime.tokens import LEEWAY_SECONDS, TokenInvalid, TokenVerifier
from tests.tokens import AUDIENCE, ISSUER, SigningKey, bearer

USER_ID = "1a2b3c4d-0000-4000-8000-00000000000a"
KEY, OTHER_KEY = SigningKey("one"), SigningKey("other")


class CountedKey(OneKey):
    """A key that counts how often it was asked for."""

    def __init__(self) -> None:
        super().__init__(KEY.private.public_key())
        self.asked = 0
        self.generation = 0

    async def candidates(self, key_id: str | None) -> Sequence[Key]:
        self.asked += 1
        return await super().candidates(key_id)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def _verifier(keys: CountedKey | None = None, roles_claim: str = "roles", clock: Clock | None = None) -> TokenVerifier:
    return TokenVerifier(
        keys or CountedKey(),
        issuer=ISSUER,
        audience=AUDIENCE,
        algorithms=("RS256", "ES256", "EdDSA"),
        roles_claim=roles_claim,
        clock=clock or Clock(),
    )


def _tampered() -> str:
    header, payload, signature = KEY.sign(sub=USER_ID).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))) | {"sub": "another"}
    return f"{header}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.{signature}"


async def test_a_subject_that_is_a_uuid_is_the_user() -> None:
    expires = 4_000_000_000
    token = KEY.sign(sub=USER_ID.upper(), exp=expires)
    assert await _verifier().actor(bearer(token)) == Actor(USER_ID, until_seconds=expires + LEEWAY_SECONDS)


async def test_another_subject_becomes_a_uuid_of_issuer_and_subject() -> None:
    actor = await _verifier().actor(bearer(KEY.sign(sub="anna@example.com")))
    assert actor.user_id == str(uuid5(uuid5(NAMESPACE_URL, ISSUER), "anna@example.com"))
    unhyphenated = await _verifier().actor(bearer(KEY.sign(sub=USER_ID.replace("-", ""))))
    assert unhyphenated.user_id != USER_ID


NOW = int(time.time())
# In 2096: a run may take longer than an hour.
FAR_AHEAD = 4_000_000_000
BAD = {
    "empty": "",
    "no token": "abc",
    "two parts": "a.b",
    "not base64": "!!!.???.***",
    "binary": "\xff.\xfe.\xfd",
    "expired": KEY.sign(exp=NOW - 31),
    "not valid yet": KEY.sign(nbf=FAR_AHEAD),
    "issued in the future": KEY.sign(iat=FAR_AHEAD),
    "another issuer": KEY.sign(issuer="https://evil.example"),
    "another audience": KEY.sign(aud="another"),
    "no issuer": KEY.sign(without="iss"),
    "no audience": KEY.sign(without="aud"),
    "no end": KEY.sign(without="exp"),
    "no subject": KEY.sign(without="sub"),
    "an empty subject": KEY.sign(sub=""),
    "a blank subject": KEY.sign(sub="  "),
    "another key": OTHER_KEY.sign(sub=USER_ID),
    "alg none": KEY.unsigned(sub=USER_ID),
    "HS256 with the public key": KEY.signed_with_its_public_half(sub=USER_ID),
    "tampered": _tampered(),
    "huge": KEY.sign(filler="x" * 10_000),
}


@pytest.mark.parametrize("token", BAD.values(), ids=BAD)
async def test_a_token_that_proves_nothing_is_invalid_and_not_quoted(token: str) -> None:
    with pytest.raises(TokenInvalid) as refused:
        await _verifier().actor(f"Bearer {token}".encode("latin-1"))
    assert not token or token not in str(refused.value)


@pytest.mark.parametrize("header", ["", "Bearer", "Basic YTpi", "Token x"])
async def test_another_scheme_than_bearer_proves_nothing(header: str) -> None:
    with pytest.raises(TokenInvalid):
        await _verifier().actor(header.encode())


async def test_clocks_may_differ_by_half_a_minute() -> None:
    assert await _verifier().actor(bearer(KEY.sign(sub=USER_ID, exp=int(time.time()) - 20)))
    assert await _verifier().actor(bearer(KEY.sign(sub=USER_ID, nbf=int(time.time()) + 20)))


@pytest.mark.parametrize(
    ("claims", "roles_claim", "roles"),
    [
        ({}, "roles", None),
        ({"roles": ["bidder", "seller"]}, "roles", {"bidder", "seller"}),
        ({"roles": "bidder seller"}, "roles", {"bidder", "seller"}),
        ({"roles": []}, "roles", set[str]()),
        ({"roles": {"bidder": True}}, "roles", set[str]()),
        ({"realm_access": {"roles": ["admin"]}}, "realm_access.roles", {"admin"}),
        ({"realm_access": "admin"}, "realm_access.roles", None),
    ],
)
async def test_roles_come_from_the_claim_that_is_named(
    claims: dict[str, Any], roles_claim: str, roles: set[str] | None
) -> None:
    actor = await _verifier(roles_claim=roles_claim).actor(bearer(KEY.sign(**claims)))
    assert actor.roles == roles


def test_a_user_without_roles_may_all_but_administer_and_an_administrator_may_everything() -> None:
    ordinary, none, seller = Actor("x"), Actor("x", frozenset()), Actor("x", frozenset(("seller",)))
    admin = Actor("x", frozenset(("admin",)))
    assert [ordinary.may(role) for role in ("bidder", "seller", "admin")] == [True, True, False]
    assert [none.may(role) for role in ("bidder", "seller", "admin")] == [False, False, False]
    assert [seller.may(role) for role in ("bidder", "seller", "admin")] == [False, True, False]
    assert [admin.may(role) for role in ("bidder", "seller", "admin")] == [True, True, True]


async def test_a_token_is_verified_once_and_remembered_until_it_expires() -> None:
    keys, clock = CountedKey(), Clock()
    verifier, header = _verifier(keys, clock=clock), bearer(KEY.sign(sub=USER_ID))
    first = await verifier.actor(header)
    assert await verifier.actor(header) is first
    assert keys.asked == 1
    clock.now += 3_600 + tokens.LEEWAY_SECONDS + 1
    await verifier.actor(header)
    assert keys.asked == 2


async def test_what_was_verified_by_a_key_that_is_withdrawn_is_verified_again() -> None:
    keys = CountedKey()
    verifier, header = _verifier(keys), bearer(KEY.sign(sub=USER_ID))
    await verifier.actor(header)
    keys.generation += 1
    await verifier.actor(header)
    await verifier.actor(header)
    assert keys.asked == 2


async def test_only_so_many_tokens_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "REMEMBERED_TOKENS_MAX", 2)
    keys = CountedKey()
    verifier, headers = _verifier(keys), [bearer(KEY.sign(sub=f"user {number}")) for number in range(3)]
    for header in (*headers, headers[2], headers[1]):
        await verifier.actor(header)
    assert keys.asked == 3
    await verifier.actor(headers[0])
    assert keys.asked == 4
