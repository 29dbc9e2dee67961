"""The provider's key set: fetched when it is needed, and never as often as a forger likes."""

import asyncio
from typing import Any

import pytest

from gavel.runtime.token_keys import EXTRA_FETCH_SECONDS, EXTRA_FETCHES_MAX, KeysAway, ProviderKeys, public_key_of
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
            raise OSError("away")
        return {"keys": self.keys}

    def clock(self) -> float:
        """The time by this provider."""
        return self.now


def _keys(provider: Provider) -> ProviderKeys:
    return ProviderKeys(provider.fetch, ALGORITHMS, provider.clock)


async def _names(keys: ProviderKeys, key_id: str | None) -> list[str | None]:
    return [getattr(key, "key_id", "") for key in await keys.candidates(key_id)]


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
    assert provider.fetches == EXTRA_FETCHES_MAX
    provider.now += EXTRA_FETCH_SECONDS
    for _ in range(10):
        await keys.candidates("forged")
    assert provider.fetches == EXTRA_FETCHES_MAX + 1


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
    assert await keys.problem() is not None
    provider.away = False
    assert await _names(keys, "first") == ["first"]


async def test_keys_of_other_algorithms_and_uses_are_left_out() -> None:
    provider = Provider(FIRST)
    provider.keys += [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"},
        SECOND.jwk | {"use": "enc", "kid": "for secrets"},
    ]
    assert await _names(_keys(provider), None) == ["first"]


@pytest.mark.parametrize("served", [{}, {"keys": []}, {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}, {"keys": "x"}])
async def test_a_set_without_a_usable_key_is_none(served: dict[str, Any]) -> None:
    async def fetch() -> dict[str, Any]:
        return served

    with pytest.raises(KeysAway):
        await ProviderKeys(fetch, ALGORITHMS).candidates("first")


def test_a_file_has_to_hold_a_public_key() -> None:
    assert public_key_of(FIRST.pem)
    for text in (b"", b"x", b"-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n"):
        with pytest.raises(ValueError, match=r".*"):
            public_key_of(text)
