"""What a token has to be, and what is remembered of it."""

import base64
import json
import time
from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from structlog.testing import capture_logs

from gavel.runtime.http.authentication import tokens
from gavel.runtime.http.authentication.token_keys import Key, OneKey
from gavel.runtime.http.authentication.tokens import (
    LEEWAY_SECONDS,
    TOKEN_BYTES_MAX,
    WARNING_SECONDS,
    TokenInvalid,
    TokenVerifier,
)
from gavel.runtime.http.calls import Actor
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


class ReplacedKey(CountedKey):
    """A key whose provider puts another one under its name."""

    def __init__(self, replacement: SigningKey) -> None:
        super().__init__()
        self._replacement = replacement
        self.asked_for_replacements = 0

    async def replacements(self, key_id: str | None) -> Sequence[Key]:
        self.asked_for_replacements += 1
        self.generation += 1
        self._key = Key(self._replacement.private.public_key(), frozenset(("ES256",)), key_id)
        return (self._key,)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def _verifier(
    keys: CountedKey | None = None,
    roles_claim: str = "",
    clock: Clock | None = None,
    audience: str = AUDIENCE,
    client_ids: Sequence[str] = (),
) -> TokenVerifier:
    return TokenVerifier(
        keys or CountedKey(),
        issuer=ISSUER,
        audience=audience,
        client_ids=client_ids,
        algorithms=("RS256", "ES256", "EdDSA"),
        roles_claim=roles_claim,
        clock=clock or Clock(),
    )


def _tampered() -> str:
    header, payload, signature = KEY.sign(sub=USER_ID).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))) | {"sub": "another"}
    return f"{header}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.{signature}"


def _headed(header: dict[str, Any]) -> str:
    first = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    return f"{first}.{KEY.sign(sub=USER_ID).partition('.')[2]}"


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
    "no end of an end": KEY.sign(exp=10**400),
    "an end that is no time": KEY.sign(exp="soon"),
    "an algorithm that is a list": _headed({"alg": ["ES256"], "typ": "JWT"}),
    "a name that is a list": _headed({"alg": "ES256", "typ": "JWT", "kid": ["one"]}),
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
    now = int(time.time())
    apart: list[dict[str, Any]] = [{"exp": now - 20}, {"nbf": now + 20}, {"iat": now + 20}, {"nbf": now + 20.5}]
    for claims in (*apart, {"exp": str(now + 9)}):
        assert await _verifier().actor(bearer(KEY.sign(sub=USER_ID, **claims)))


async def test_a_token_of_any_allowed_length_is_read_and_a_longer_one_is_refused() -> None:
    spare = TOKEN_BYTES_MAX - len(bearer(KEY.sign(sub=USER_ID, filler="")))
    assert await _verifier().actor(bearer(KEY.sign(sub=USER_ID, filler="x" * (spare * 3 // 4 - 4))))
    with pytest.raises(TokenInvalid, match=f"longer than {TOKEN_BYTES_MAX} bytes"):
        await _verifier().actor(bearer(KEY.sign(sub=USER_ID, filler="x" * spare)))


@pytest.mark.parametrize("header", ["bearer {}", "BEARER {}", "Bearer   {}", "Bearer {} "])
async def test_case_of_the_scheme_and_spaces_around_the_token_do_not_matter(header: str) -> None:
    assert (await _verifier().actor(header.format(KEY.sign(sub=USER_ID)).encode())).user_id == USER_ID


async def test_an_opaque_token_is_refused_as_no_jwt() -> None:
    with pytest.raises(TokenInvalid, match="not a signed JWT"):
        await _verifier().actor(b"Bearer ya29.a0AfH6SMB")


CLIENTS = ("gavel-web", "gavel-app")


@pytest.mark.parametrize(
    "claims",
    [
        {"client_id": "gavel-web", "token_use": "access"},
        {"client_id": "gavel-app"},
        {"azp": "gavel-web"},
        {"aud": [], "azp": "gavel-web"},
        {"aud": AUDIENCE, "client_id": "another"},
        {"aud": ["another", AUDIENCE]},
    ],
)
@pytest.mark.parametrize("audience", [AUDIENCE, ""])
async def test_a_token_without_audience_is_good_if_one_of_the_clients_asked_for_it(
    claims: dict[str, Any], audience: str
) -> None:
    token = KEY.sign(sub=USER_ID, **claims) if claims.get("aud") else KEY.sign(sub=USER_ID, without="aud", **claims)
    verifier = _verifier(audience=audience, client_ids=CLIENTS)
    if audience or not claims.get("aud"):
        assert (await verifier.actor(bearer(token))).user_id == USER_ID
    else:
        # Without JWT_AUDIENCE no audience is Gavel's.
        with pytest.raises(TokenInvalid):
            await verifier.actor(bearer(token))


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"aud": "another", "client_id": "gavel-web"}, "another audience"),
        ({"aud": ["another"], "azp": "gavel-web"}, "another audience"),
        ({"aud": "gavel-web", "token_use": "id"}, "another audience"),
        ({"aud": {"gavel": True}, "client_id": "gavel-web"}, "another audience"),
        ({"client_id": "another"}, "another client's"),
        ({"client_id": "another", "azp": "gavel-web"}, "another client's"),
        ({"client_id": ["gavel-web"]}, "another client's"),
        ({}, "another client's"),
        ({"client_id": "gavel-web", "token_use": "id"}, "not an access token"),
    ],
)
@pytest.mark.parametrize("audience", [AUDIENCE, ""])
async def test_a_token_for_others_is_not_believed_though_clients_are_named(
    claims: dict[str, Any], told: str, audience: str
) -> None:
    token = KEY.sign(sub=USER_ID, **claims) if "aud" in claims else KEY.sign(sub=USER_ID, without="aud", **claims)
    with pytest.raises(TokenInvalid, match=told):
        await _verifier(audience=audience, client_ids=CLIENTS).actor(bearer(token))


NAMESPACED = "https://house.example/roles"


@pytest.mark.parametrize(
    ("claims", "roles_claim", "roles"),
    [
        # By default, the claim is one that a token need not have.
        ({}, "", None),
        ({"roles": None}, "", None),
        ({"roles": ["bidder", "seller"]}, "", {"bidder", "seller"}),
        ({"roles": "bidder seller"}, "", {"bidder", "seller"}),
        ({"roles": []}, "", set[str]()),
        ({"roles": ""}, "", set[str]()),
        ({"roles": {"bidder": True}}, "", set[str]()),
        ({"roles": ["viewer"]}, "", {"viewer"}),
        # One that was chosen decides: a token without it, or with something else in it, has no role.
        ({}, "roles", set[str]()),
        ({"roles": None}, "roles", set[str]()),
        ({"roles": ["bidder"]}, NAMESPACED, set[str]()),
        ({NAMESPACED: ["viewer"]}, NAMESPACED, {"viewer"}),
        ({NAMESPACED: "bidder  seller"}, NAMESPACED, {"bidder", "seller"}),
        ({NAMESPACED: {"bidder": {"17": "house.example"}}}, NAMESPACED, set[str]()),
        ({NAMESPACED: ["bidder", 5]}, NAMESPACED, set[str]()),
        ({NAMESPACED: [["admin"]]}, NAMESPACED, set[str]()),
        ({NAMESPACED: True}, NAMESPACED, set[str]()),
        ({"https://house": {"example/roles": ["admin"]}}, NAMESPACED, {"admin"}),
        ({"realm_access": {"roles": ["admin"]}}, "realm_access.roles", {"admin"}),
        ({"realm_access.roles": ["bidder"], "realm_access": {"roles": ["admin"]}}, "realm_access.roles", {"bidder"}),
        ({"realm_access": "admin"}, "realm_access.roles", set[str]()),
        ({"realm_access": {}}, "realm_access.roles", set[str]()),
        (
            {"resource_access": {"auction.example": {"roles": ["seller"]}}},
            "resource_access.auction.example.roles",
            {"seller"},
        ),
        ({"": {"": ["admin"]}}, ".", set[str]()),
    ],
)
async def test_roles_come_from_the_claim_that_is_named(
    claims: dict[str, Any], roles_claim: str, roles: set[str] | None
) -> None:
    actor = await _verifier(roles_claim=roles_claim).actor(bearer(KEY.sign(**claims)))
    assert actor.roles == roles


async def test_tokens_without_the_claim_that_was_chosen_are_warned_of_now_and_then_by_reason() -> None:
    clock = Clock()
    verifier = _verifier(roles_claim=NAMESPACED, clock=clock)

    async def warned(*claims: dict[str, Any]) -> list[str]:
        with capture_logs() as logs:
            for each in claims:
                await verifier.actor(bearer(KEY.sign(jti=str(time.monotonic_ns()), **each)))
        assert {(log["event"], log["claim"]) for log in logs} <= {("token_without_roles", NAMESPACED)}
        return [log["reason"] for log in logs]

    absent, wrong = "the claim is absent", "the claim is neither a list of strings nor a string"
    assert await warned({}, {}, {NAMESPACED: 5}, {NAMESPACED: 5}, {NAMESPACED: ["viewer"]}) == [absent, wrong]
    clock.now += WARNING_SECONDS - 1
    assert await warned({}) == []
    clock.now += 1
    assert await warned({}, {}) == [absent]


async def test_without_a_choice_an_absent_claim_is_not_logged() -> None:
    with capture_logs() as logs:
        await _verifier().actor(bearer(KEY.sign()))
    assert logs == []


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


async def test_a_key_that_was_replaced_under_its_name_is_believed_and_what_the_old_one_signed_is_not() -> None:
    keys = ReplacedKey(OTHER_KEY)
    verifier, old = _verifier(keys), bearer(KEY.sign(sub=USER_ID))
    await verifier.actor(old)
    assert (await verifier.actor(bearer(OTHER_KEY.sign(sub=USER_ID)))).user_id == USER_ID
    with pytest.raises(TokenInvalid, match="not signed by a key of its issuer"):
        await verifier.actor(old)


@pytest.mark.parametrize("claims", [{"exp": NOW - 60}, {"aud": "another"}, {"iss": "another"}, {"nbf": FAR_AHEAD}])
async def test_a_token_that_is_well_signed_asks_for_no_other_key(claims: dict[str, Any]) -> None:
    keys = ReplacedKey(OTHER_KEY)
    with pytest.raises(TokenInvalid):
        await _verifier(keys).actor(bearer(KEY.sign(**claims)))
    assert keys.asked_for_replacements == 0


async def test_a_token_that_names_no_key_is_tried_with_each() -> None:
    class TwoKeys(CountedKey):
        async def candidates(self, key_id: str | None) -> Sequence[Key]:
            other = Key(OTHER_KEY.private.public_key(), frozenset(("ES256",)))
            return (other, *await super().candidates(key_id))

    assert await _verifier(TwoKeys()).actor(bearer(KEY.sign(without="kid", sub=USER_ID)))


async def test_a_key_is_used_for_no_algorithm_but_its_own() -> None:
    class NarrowKey(CountedKey):
        async def candidates(self, key_id: str | None) -> Sequence[Key]:
            return [key._replace(algorithms=frozenset(("ES384",))) for key in await super().candidates(key_id)]

    with pytest.raises(TokenInvalid):
        await _verifier(NarrowKey()).actor(bearer(KEY.sign(sub=USER_ID)))


async def test_only_so_many_tokens_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "REMEMBERED_TOKENS_MAX", 2)
    keys = CountedKey()
    verifier, headers = _verifier(keys), [bearer(KEY.sign(sub=f"user {number}")) for number in range(3)]
    for header in (*headers, headers[2], headers[1]):
        await verifier.actor(header)
    assert keys.asked == 3
    await verifier.actor(headers[0])
    assert keys.asked == 4
