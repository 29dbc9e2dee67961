"""Idempotency keys: what is one, and what it stands for."""

import pytest

from gavel.bids.domain.decision import retry_key
from gavel.bids.domain.refusals import InvalidInput
from tests.unit.bids.auctions import ANNA, BELA


@pytest.mark.parametrize("key", ["k", "a b", "7d0c-1", "schlüssel", "鍵", "🔑", "x" * 128])
def test_1_to_128_printable_characters_are_a_key(key: str) -> None:
    kept = retry_key(ANNA, key, "bid 100")
    assert kept is not None
    assert (kept.user_id, kept.key, kept.request) == (ANNA, key, "bid 100")


def test_no_characters_are_no_key() -> None:
    assert retry_key(ANNA, "", "bid 100") is None


@pytest.mark.parametrize("key", ["x" * 129, "a\nb", "a\tb", "\x00", "\x7f", "a\u200bb", "\ud800", "a\u2028b"])
def test_longer_or_unprintable_keys_are_invalid_input(key: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        retry_key(ANNA, key, "bid 100")
    assert refusal.value.field == "idempotency_key"
    assert key not in str(refusal.value)


def test_a_key_is_its_users_own() -> None:
    assert retry_key(ANNA, "k", "bid 100") != retry_key(BELA, "k", "bid 100")
