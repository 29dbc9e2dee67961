"""Identifiers of the read side: canonical text from the wire."""

import re
from datetime import UTC, datetime, timedelta
from typing import NewType

UserId = NewType("UserId", str)
ItemId = NewType("ItemId", str)
EventId = NewType("EventId", str)

_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z").match
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_VERSION_AT = 14


def canonical_uuid(text: str) -> str | None:
    """The text in lower case where it is a UUID of 36 characters with hyphens, else None."""
    if _CANONICAL_UUID(text):
        return text
    lowered = text.lower()
    return lowered if _CANONICAL_UUID(lowered) else None


def first_event_id(at: datetime) -> EventId:
    """The least id that an event of this time can have: ids are UUIDs of version 7, so their order is that of time."""
    time = f"{max(0, (at - _EPOCH) // _MILLISECOND):012x}"
    return EventId(f"{time[:8]}-{time[8:]}-7000-8000-000000000000")


def is_before(event_id: EventId, first: EventId) -> bool:
    """Whether an id's time is before that of `first`. An id of another UUID version has no time: never before."""
    return event_id[_VERSION_AT] == "7" and event_id < first
