"""The page of rules is run: every table of docs/auction-rules.md is what the code does."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

import pytest

from gavel.bids.domain.auction import Auction, SoftClose, UserId
from gavel.bids.domain.bidding import new_bid, place_bid
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.changing import cancel_item, update_item
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.decision import Decision
from gavel.bids.domain.events import AuctionClosed
from gavel.bids.domain.increments import HOUSE_RAISE_ABOVE, HOUSE_STEPS
from gavel.bids.domain.refusals import BidRefusal, BidRefused, ChangeRefused
from gavel.bids.domain.texts import ListingChanges
from tests.unit.bids.auctions import (
    ANNA,
    BELA,
    CARLA,
    DAVID,
    END,
    MIDWAY,
    SELLER,
    START,
    cancelled,
    led_by,
    listed,
    rows,
    seconds,
)

PAGE = (Path(__file__).parents[4] / "docs" / "auction-rules.md").read_text(encoding="utf-8")
PEOPLE = {"Anna": ANNA, "Bela": BELA, "Carla": CARLA, "David": DAVID, "the seller": SELLER}
NAMES = {user_id: name for name, user_id in PEOPLE.items()}

Table = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A line of terms, and the table of commands below it."""

    terms: str
    steps: Table


def _table(lines: list[str]) -> Table:
    header, _, *body = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    return [dict(zip(header, cells, strict=True)) for cells in body]


def _tables(text: str) -> list[Table]:
    return [_table(block.strip().splitlines()) for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)]


def _section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


SCENARIOS = [
    Scenario(terms, _table(block.strip().splitlines()))
    for terms, block in re.findall(r"^`(start price .*)`\n\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
]


def _money(text: str) -> int:
    return int(text.replace(",", ""))


def _listed(terms: str) -> Auction:
    def term(name: str) -> int:
        found = re.search(rf"{name} ([\d,]*\d)", terms)
        return _money(found[1]) if found else 0

    soft = re.search(r"soft close (\d+) (\d+) (\d+)", terms)
    window, extension, most = (int(part) for part in soft.groups()) if soft else (0, 0, 0)
    assert f"{END:%H:%M:%S}" in terms or "ends" not in terms
    return listed(
        start_price=term("start price"),
        increment=term("increment"),
        reserve_price=term("reserve"),
        buy_now_price=term("buy-now"),
        soft_close=SoftClose(window_seconds=window, extension_seconds=extension, max_extension_seconds=most),
    )


def _decide(auction: Auction, step: dict[str, str]) -> Decision:
    at = datetime.combine(START, time.fromisoformat(step["at"]), START.tzinfo) if "at" in step else MIDWAY
    if step["does"] == "closes":
        return close_due(auction, max(at, auction.end_at))
    user_id = PEOPLE[step["who"]]
    if step["does"] == "buys now":
        return buy_now(auction, at, user_id)
    bids = re.fullmatch(r"bids ([\d,]*\d)(?:, maximum ([\d,]*\d))?", step["does"])
    assert bids, step["does"]
    return place_bid(auction, at, new_bid(user_id, _money(bids[1]), _money(bids[2] or "0")))


def _written(decision: Decision) -> str:
    told = [f"{NAMES[r.user_id]} {r.amount:,}{' automatic' if r.automatic else ''}" for r in rows(decision.events)]
    closes = [event for event in decision.events if isinstance(event, AuctionClosed)]
    told += [f"sold to {_name(close.winner_id)} at {close.amount:,}" if close.sold else "unsold" for close in closes]
    return "; ".join(told) or "nothing"


def _name(user_id: UserId | None) -> str:
    return NAMES[user_id] if user_id else ""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[f"{n}: {s.terms}" for n, s in enumerate(SCENARIOS, 1)])
def test_a_scenario_of_the_page_goes_as_it_says(scenario: Scenario) -> None:
    auction = _listed(scenario.terms)
    for step in scenario.steps:
        try:
            decision = _decide(auction, step)
        except BidRefused as refusal:
            written = f"refused: {refusal.reason.name}"
        else:
            written, auction = _written(decision), decision.auction
        happened = {
            "written": written,
            "price": f"{auction.price:,}",
            "leads": _name(auction.leader_id),
            "least bid": f"{auction.minimum_next_bid:,}",
            "end": f"{auction.end_at:%H:%M:%S}",
        }
        assert {**step, **{name: happened[name] for name in step.keys() & happened.keys()}} == step


def test_the_page_has_its_scenarios_and_the_worked_war_is_among_them() -> None:
    assert len(SCENARIOS) == 8
    war = [step["written"] for step in SCENARIOS[0].steps]
    assert "Carla 5,200; Carla 6,000 automatic; Bela 6,000 automatic" in war
    assert sum(len(scenario.steps) for scenario in SCENARIOS) == len(re.findall(r"\| (?:bids|buys|closes)", PAGE))


def test_the_house_table_of_the_page_is_the_one_in_force() -> None:
    [table] = _tables(_section("The least bid"))
    told = [(row["price below"].replace(",", ""), float(row["raise by"])) for row in table]
    steps = [(str(step.below_price // 100), step.raise_by / 100) for step in HOUSE_STEPS]
    assert told == [*steps, ("any other", HOUSE_RAISE_ABOVE / 100)]


def test_the_order_of_checks_of_the_page_names_every_reason_of_a_bid_in_order() -> None:
    [table] = _tables(_section("In which order a bid is checked"))
    reasons = [row["if so"] for row in table if row["if so"].isupper()]
    assert reasons == ["SELLER", "CANCELLED", "ENDED", "NOT_STARTED", "ALREADY_LEADING", "TOO_LOW"]
    assert {*reasons, "BUY_NOW_UNAVAILABLE"} == {reason.name for reason in BidRefusal}


_LED = led_by(ANNA, 1_000, on=listed())
SITUATIONS: dict[str, tuple[Auction, datetime]] = {
    "before the start": (listed(), START - seconds(1)),
    "running, no bid": (listed(), MIDWAY),
    "running, with a bid": (_LED, MIDWAY),
    "ended": (_LED, END),
    "cancelled": (cancelled(listed()), MIDWAY),
}
CHANGES: dict[str, list[Callable[[Auction, datetime], Decision]]] = {
    "title, description, images": [
        lambda auction, at: update_item(auction, at, SELLER, ListingChanges(title="New")),
        lambda auction, at: update_item(auction, at, SELLER, ListingChanges(description="New")),
        lambda auction, at: update_item(auction, at, SELLER, ListingChanges(images=())),
    ],
    "category": [lambda auction, at: update_item(auction, at, SELLER, ListingChanges(category="new"))],
    "cancel": [lambda auction, at: cancel_item(auction, at, SELLER)],
}


@pytest.mark.parametrize("row", *_tables(_section("What the seller may still change")), ids=lambda row: row["when"])
def test_what_the_page_lets_a_seller_change_may_be_changed(row: dict[str, str]) -> None:
    assert row.keys() == {"when", *CHANGES}
    for name, commands in CHANGES.items():
        for command in commands:
            try:
                auction, at = SITUATIONS[row["when"]]
                told = "yes" if command(auction, at).auction is not auction else "yes, it is so already"
            except ChangeRefused as refusal:
                told = f"no: {refusal.reason.name}"
            assert told == row[name]
