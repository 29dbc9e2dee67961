"""Messages that can't be counted, one of each kind, and what is to be said of them."""

from collections.abc import Callable
from dataclasses import dataclass

from gavel.contracts.events.v1 import auction_events_pb as pb
from tests.unit.userstats.messages import ANNA, NOON, SELLER, bid, body, closed


@dataclass(frozen=True, slots=True)
class Poison:
    """A bad event as a body of its own, and a part of the reason."""

    name: str
    body: bytes
    reason: str


def length_delimited(tag: int, content: bytes) -> bytes:
    """A field of wire type 2, its content shorter than 16,384 bytes."""
    low, high = len(content) & 0x7F, len(content) >> 7
    return bytes([*_varint(tag << 3 | 2), *([low | 0x80, high] if high else [low]), *content])


def _varint(number: int) -> bytes:
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80, high] if high else [low])


def _changed(change: Callable[[pb.Event], None]) -> bytes:
    event = bid(ANNA, 1_000, seq=99)
    change(event)
    return body([event])


def _fact_of_tomorrow() -> bytes:
    whole = bid(ANNA, 1_000, seq=98)
    whole.fact = None
    return length_delimited(1, whole.to_binary() + length_delimited(20, b"a fact that nobody knows today"))


def _set_amount(amount: int) -> Callable[[pb.Event], None]:
    def change(event: pb.Event) -> None:
        assert event.fact is not None
        assert isinstance(event.fact.value, pb.BidPlaced)
        event.fact.value.amount = amount

    return change


def _set_user(user_id: str) -> Callable[[pb.Event], None]:
    def change(event: pb.Event) -> None:
        assert event.fact is not None
        assert isinstance(event.fact.value, pb.BidPlaced)
        event.fact.value.user_id = user_id

    return change


def _set(name: str, value: object) -> Callable[[pb.Event], None]:
    return lambda event: setattr(event, name, value)


def _untimely(seconds: int, nanos: int) -> Callable[[pb.Event], None]:
    def change(event: pb.Event) -> None:
        assert event.recorded_at is not None
        event.recorded_at.seconds = seconds
        event.recorded_at.nanos = nanos

    return change


def _sold_to_nobody() -> bytes:
    event = closed("", 1_000, seq=97)
    assert event.fact is not None
    assert isinstance(event.fact.value, pb.AuctionClosed)
    event.fact.value.sold = True
    return body([event])


POISON = (
    Poison("unknown type", _fact_of_tomorrow(), "an unknown kind of fact"),
    Poison("no fact", _changed(_set("fact", None)), "an unknown kind of fact"),
    Poison("bad uuid", _changed(_set_user("not-a-uuid")), "user_id is not a UUID"),
    Poison("uuid in braces", _changed(_set_user("{" + ANNA + "}")), "user_id is not a UUID"),
    Poison("uuid with a NUL", _changed(_set_user(ANNA[:-1] + "\0")), "user_id is not a UUID"),
    Poison("no user", _changed(_set_user("")), "user_id is missing"),
    Poison("bad event id", _changed(_set("event_id", "42")), "event_id is not a UUID"),
    Poison("no event id", _changed(_set("event_id", "")), "event_id is missing"),
    Poison("no item", _changed(_set("item_id", "")), "item_id is missing"),
    Poison("negative amount", _changed(_set_amount(-5)), "the amount is -5"),
    Poison("amount of zero", _changed(_set_amount(0)), "the amount is 0"),
    Poison("amount over 10^15", _changed(_set_amount(10**15 + 1)), "the amount is 1000000000000001"),
    Poison("no time", _changed(_set("recorded_at", None)), "recorded_at is missing"),
    Poison("time beyond all years", _changed(_untimely(2**62, 0)), "recorded_at is no time"),
    Poison("time with two seconds in a second", _changed(_untimely(0, 2_000_000_000)), "recorded_at is no time"),
    Poison("sold to nobody", _sold_to_nobody(), "winner_id is missing"),
    Poison("sold by nobody", body([closed(ANNA, 1_000, seq=97, seller_id="")]), "seller_id is missing"),
    Poison("sold for nothing", body([closed(ANNA, 0, seq=97)]), "the amount is 0"),
    Poison("text that is none", length_delimited(1, length_delimited(1, b"\xff\xfe")), "not an Event"),
    Poison("event of garbage", length_delimited(1, b"\xff\xff\xff"), "not an Event"),
)

# Bodies in which no events can be told apart: dead as a whole.
GARBAGE = {
    "garbage bytes": b"\xde\xad\xbe\xef garbage",
    "empty body": b"",
    "JSON": b'{"events": []}',
    "no events": b"\x10\x05",
    "truncated": body([bid(ANNA, 1_000, seq=96, at=NOON)])[:-10],
    "length without an end": b"\x0a" + b"\xff" * 12,
    "length beyond the body": b"\x0a\x7f" + SELLER.encode(),
}
