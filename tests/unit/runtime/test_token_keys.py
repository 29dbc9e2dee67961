"""The provider's key set: fetched when it is needed, and never as often as a forger likes."""

import asyncio
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from structlog.testing import capture_logs

from gavel.runtime.http.authentication.token_keys import (
    EXTRA_FETCH_SECONDS,
    KEYS_MAX,
    UNKNOWN_KEY_FETCHES_MAX,
    FetchFailed,
    KeysAway,
    ProviderKeys,
    public_key_of,
)
from gavel.runtime.http.authentication.tokens import ALGORITHMS as ALL_ALGORITHMS
from tests.tokens import SigningKey

ALGORITHMS = ("ES256",)
FIRST, SECOND = SigningKey("first"), SigningKey("second")


class Provider:
    """A provider whose key set is changed by hand, and whose fetches are counted."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys: list[dict[str, Any]] = [key.jwk for key in keys]
        self.away = False
        self.fetches = 0
        self.now = 0.0

    async def fetch(self) -> dict[str, Any]:
        """What is served now."""
        self.fetches += 1
        await asyncio.sleep(0)
        if self.away:
            raise FetchFailed("https://login.example/keys answered status 403")
        return {"keys": self.keys}

    def clock(self) -> float:
        """The time by this provider."""
        return self.now


def _keys(provider: Provider) -> ProviderKeys:
    return ProviderKeys(provider.fetch, ALGORITHMS, provider.clock)


async def _names(keys: ProviderKeys, key_id: str | None) -> list[str | None]:
    return [key.key_id for key in await keys.candidates(key_id)]


async def test_a_known_key_is_not_fetched_again() -> None:
    provider = Provider(FIRST, SECOND)
    keys = _keys(provider)
    for _ in range(3):
        assert await _names(keys, "second") == ["second"]
    assert await _names(keys, None) == ["first", "second"]
    assert provider.fetches == 1


async def test_many_who_ask_at_once_share_one_fetch() -> None:
    provider = Provider(FIRST)
    keys = _keys(provider)
    assert await asyncio.gather(*(_names(keys, "first") for _ in range(50))) == [["first"]] * 50
    assert provider.fetches == 1


async def test_a_rotated_key_is_found_at_once_and_the_old_one_is_no_longer_good() -> None:
    provider = Provider(FIRST)
    keys = _keys(provider)
    await keys.candidates("first")
    provider.keys = [SECOND.jwk]
    assert await _names(keys, "second") == ["second"]
    assert await _names(keys, "first") == []
    assert keys.generation == 1


async def test_unknown_keys_make_the_set_be_fetched_a_few_times_and_then_once_in_a_while() -> None:
    provider = Provider(FIRST)
    keys = _keys(provider)
    for number in range(100):
        assert await _names(keys, f"forged {number}" if number else "first") == ([] if number else ["first"])
    assert provider.fetches == UNKNOWN_KEY_FETCHES_MAX
    provider.now += EXTRA_FETCH_SECONDS
    for _ in range(10):
        await keys.candidates("forged")
    assert provider.fetches == UNKNOWN_KEY_FETCHES_MAX + 1


async def test_while_the_provider_is_away_known_keys_stay_good() -> None:
    provider = Provider(FIRST)
    keys = _keys(provider)
    await keys.candidates("first")
    provider.away = True
    with pytest.raises(KeysAway):
        await keys.candidates("unknown")
    assert await _names(keys, "first") == ["first"]
    assert await keys.problem() is None


async def test_where_no_key_was_ever_fetched_no_token_can_be_judged() -> None:
    provider = Provider(FIRST)
    provider.away = True
    keys = _keys(provider)
    with pytest.raises(KeysAway):
        await keys.candidates("first")
    assert await keys.problem() == (
        "the provider's keys could not be fetched yet: https://login.example/keys answered status 403"
    )
    provider.away = False
    assert await _names(keys, "first") == ["first"]


async def test_a_wrong_signature_makes_the_set_be_fetched_once_in_a_while_and_finds_new_keys() -> None:
    provider = Provider(FIRST)
    keys = _keys(provider)
    await keys.candidates("first")
    assert await keys.replacements("first") == []
    replacing = SigningKey("first")
    provider.keys = [replacing.jwk]
    assert [await keys.replacements("first") for _ in range(20)] == [()] * 20
    assert provider.fetches == 2
    provider.now += EXTRA_FETCH_SECONDS
    [replacement] = await keys.replacements("first")
    assert replacement.key == replacing.private.public_key()
    assert provider.fetches == 3


async def test_many_wrong_signatures_at_once_share_one_fetch() -> None:
    provider = Provider(FIRST)
    keys = _keys(provider)
    await keys.candidates("first")
    provider.keys = [SigningKey("first").jwk]
    found = await asyncio.gather(*(keys.replacements("first") for _ in range(50)))
    assert [len(each) for each in found] == [1] * 50
    assert provider.fetches == 2


async def test_wrong_signatures_leave_the_fetches_for_unknown_keys() -> None:
    provider = Provider(FIRST)
    keys = _keys(provider)
    await keys.candidates("first")
    for _ in range(20):
        await keys.replacements("first")
    provider.keys = [SECOND.jwk]
    assert await _names(keys, "second") == ["second"]


async def test_while_the_provider_is_away_a_wrong_signature_is_just_wrong() -> None:
    provider = Provider(FIRST)
    keys = _keys(provider)
    await keys.candidates("first")
    provider.away = True
    assert await keys.replacements("first") == ()


@pytest.mark.parametrize(
    ("after", "rises"),
    [
        ([FIRST.jwk, SECOND.jwk], 0),
        ([SECOND.jwk, FIRST.jwk], 0),
        ([FIRST.jwk, SECOND.jwk, SigningKey("third").jwk], 0),
        ([SECOND.jwk], 1),
        ([SigningKey("first").jwk, SECOND.jwk], 1),
    ],
    ids=["the same", "in another order", "one more", "one removed", "one replaced under its name"],
)
async def test_what_a_key_signed_is_forgotten_when_the_key_is_removed_or_replaced(
    after: list[dict[str, Any]], rises: int
) -> None:
    provider = Provider(FIRST, SECOND)
    keys = _keys(provider)
    await keys.candidates("first")
    provider.keys = after
    await keys.candidates("unknown")
    assert keys.generation == rises


def _jwk(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPublicKey):
        return json.loads(RSAAlgorithm.to_jwk(key))
    if isinstance(key, ec.EllipticCurvePublicKey):
        return json.loads(ECAlgorithm.to_jwk(key))
    return json.loads(OKPAlgorithm.to_jwk(key))


RSA = _jwk(rsa.generate_private_key(65_537, 2_048).public_key())
WEAK_RSA = _jwk(rsa.generate_private_key(65_537, 1_024).public_key())
P384 = _jwk(ec.generate_private_key(ec.SECP384R1()).public_key())
K256 = _jwk(ec.generate_private_key(ec.SECP256K1()).public_key())
ED25519 = _jwk(ed25519.Ed25519PrivateKey.generate().public_key())
SKIPPED: dict[str, object] = {
    "a shared secret": {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"},
    "for encryption": SECOND.jwk | {"use": "enc"},
    "for encryption, by its algorithm": RSA | {"alg": "RSA-OAEP"},
    "an unknown type": {"kty": "AKP", "alg": "ML-DSA-65", "pub": "x"},
    "an unknown type without an algorithm": {"kty": "AKP"},
    "no algorithm at all": RSA | {"alg": "none"},
    "an algorithm of another type": RSA | {"alg": "ES256"},
    "an algorithm of another curve": P384 | {"alg": "ES256"},
    "a curve of no algorithm here": K256,
    "a weak RSA key": WEAK_RSA,
    "no type": {"kid": "x"},
    "numbers for texts": {"kty": "RSA", "n": 5, "e": 5},
    "a list for an algorithm": RSA | {"alg": ["RS256"]},
    "a list for a name": RSA | {"kid": ["x"]},
    "a point off its curve": SECOND.jwk | {"x": SECOND.jwk["y"]},
    "no object": "x",
    "nothing": None,
}


@pytest.mark.parametrize("entry", SKIPPED.values(), ids=SKIPPED)
async def test_an_entry_that_is_of_no_use_does_not_spoil_the_others(entry: Any) -> None:
    provider = Provider()
    provider.keys = [entry, FIRST.jwk, entry]
    keys = ProviderKeys(provider.fetch, ALL_ALGORITHMS, provider.clock)
    assert await _names(keys, None) == ["first"]


async def test_keys_that_can_not_be_used_are_named_where_there_is_no_other() -> None:
    provider = Provider()
    provider.keys = [WEAK_RSA, FIRST.jwk | {"use": "enc"}, RSA | {"alg": "RS512"}, RSA, {"kty": "RSA", "d": "secret"}]
    keys = _keys(provider)
    with pytest.raises(KeysAway):
        await keys.candidates(None)
    problem = await keys.problem() or ""
    for named in ("RSA key of 1024 bits", "not for signatures", "'RS512'", "JWT_ALGORITHMS", "malformed"):
        assert named in problem
    assert "secret" not in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("entry", "algorithms"),
    [
        (RSA, {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        (RSA | {"alg": "PS256"}, {"PS256"}),
        (FIRST.jwk, {"ES256"}),
        (P384, {"ES384"}),
        (ED25519, {"EdDSA"}),
    ],
)
async def test_a_key_is_good_for_the_algorithm_that_it_names_else_for_each_of_its_type(
    entry: dict[str, Any], algorithms: set[str]
) -> None:
    provider = Provider()
    provider.keys = [entry]
    [key] = await ProviderKeys(provider.fetch, ALL_ALGORITHMS, provider.clock).candidates(None)
    assert key.algorithms == algorithms


async def test_keys_of_one_name_are_all_tried_and_no_more_than_a_bound() -> None:
    provider = Provider(FIRST, SigningKey("first"), SECOND)
    assert await _names(_keys(provider), "first") == ["first", "first"]
    provider.keys = [SECOND.jwk | {"kid": str(number)} for number in range(KEYS_MAX + 5)]
    assert len(await _names(_keys(provider), None)) == KEYS_MAX


async def test_a_failed_fetch_is_logged_in_one_line_with_its_reason() -> None:
    provider = Provider(FIRST)
    provider.away = True
    with capture_logs() as logs, pytest.raises(KeysAway) as refused:
        await _keys(provider).candidates("first")
    assert [log for log in logs if log["event"] == "token_keys_fetch_failed"] == [
        {
            "event": "token_keys_fetch_failed",
            "log_level": "warning",
            "error": "https://login.example/keys answered status 403",
        }
    ]
    # Clients see this text.
    assert "login.example" not in str(refused.value)


@pytest.mark.parametrize("served", [{}, {"keys": []}, {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}, {"keys": "x"}])
async def test_a_set_without_a_usable_key_is_none(served: dict[str, Any]) -> None:
    async def fetch() -> dict[str, Any]:
        return served

    with pytest.raises(KeysAway):
        await ProviderKeys(fetch, ALGORITHMS).candidates("first")


def test_a_file_has_to_hold_a_public_key() -> None:
    assert public_key_of(FIRST.pem)
    weak = rsa.generate_private_key(65_537, 1_024).public_key()
    for text in (
        b"",
        b"x",
        b"-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n",
        weak.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ):
        with pytest.raises(ValueError, match=r".*"):
            public_key_of(text)
