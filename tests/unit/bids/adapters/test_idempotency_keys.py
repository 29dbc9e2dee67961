"""Idempotency keys: what is one, and what it stands for."""

import pytest

from gavel.bids.adapters.connect.requests import idempotency_key_of
from gavel.bids.domain.refusals import InvalidInput
from tests.calls import new_call


@pytest.mark.parametrize("key", ["k", "a b", "7d0c-1", "schlüssel", "鍵", "🔑", "x" * 128])
async def test_1_to_128_printable_characters_are_a_key(key: str) -> None:
    assert idempotency_key_of(new_call(), key) == key


async def test_no_characters_are_no_key() -> None:
    assert idempotency_key_of(new_call(), "") == ""


@pytest.mark.parametrize("key", ["x" * 129, "a\nb", "a\tb", "\x00", "\x7f", "a\u200bb", "\ud800", "a\u2028b"])
async def test_longer_or_unprintable_keys_are_invalid_input(key: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        idempotency_key_of(new_call(), key)
    assert refusal.value.field == "idempotency_key"
    assert key not in str(refusal.value)
