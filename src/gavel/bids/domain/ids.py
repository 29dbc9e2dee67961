"""Identifiers, and the derivation of repeatable event ids."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import NewType

ItemId = NewType("ItemId", str)
UserId = NewType("UserId", str)
# A user in whose name the caller may act: what commands take, so that a caller who was not checked does not type-check.
ActorId = NewType("ActorId", UserId)
EventId = NewType("EventId", str)

_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z").match
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def canonical_uuid(text: str) -> str | None:
    """Return the text in lower case if it is a UUID of 36 characters with hyphens, else None.

    Braces, `urn:uuid:` and missing hyphens are refused: an id has one spelling, so that the same
    row is never addressed in two ways.
    """
    lowered = text.lower()
    return lowered if _CANONICAL_UUID(lowered) else None


@lru_cache(maxsize=4_096)
def event_id(item_id: ItemId, seq: int, recorded_at: datetime) -> EventId:
    """Derive the id of an event: always the same for the same (item_id, seq, recorded_at).

    Shaped as a UUID version 7 (RFC 9562, section 5.7): the milliseconds of `recorded_at`, then a hash of
    item and seq where a generator would put randomness. Rebuilding from the log makes the same ids, and
    consumers that index them insert at the right edge and prune by range.
    """
    digest = blake2b(f"{item_id}:{seq}".encode(), digest_size=10).hexdigest()
    time = f"{(recorded_at - _EPOCH) // _MILLISECOND:012x}"
    variant = "89ab"[int(digest[3], 16) & 3]
    return EventId(f"{time[:8]}-{time[8:]}-7{digest[:3]}-{variant}{digest[4:7]}-{digest[7:19]}")
