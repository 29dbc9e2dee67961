"""What a run prints: plain lines without control characters, and JSON that has everything."""

import asyncio
import io
import json
from collections import Counter

import pytest

from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel_tools.bidders import progress
from gavel_tools.bidders.account import Account, Placed
from gavel_tools.bidders.progress import Watch, live_table, plain_line, show_progress
from gavel_tools.bidders.read_back import Verification
from gavel_tools.bidders.report import Report
from gavel_tools.bidders.tally import CallTally


def a_run() -> tuple[Account, CallTally]:
    account, tally = Account(asked=5), CallTally()
    account.accept("sextant", "ann", pb.Bid(id="1", seq=2, amount=100), 100)
    account.accept("sextant", "bob", pb.Bid(id="2", seq=3, amount=150), 150)
    account.buy("guitar", Placed("ann", 900))
    account.refused.update({"TOO_LOW": 2})
    tally.no_answers.update({"timeout": 1})
    for _ in range(100):
        tally.latencies.add(0.010)
    return account, tally


def report(verification: Verification | None = None, bidders: int = 2) -> Report:
    account, tally = a_run()
    strategies = {"ann": "proxy", "bob": "jumper"} | {f"idle-{number}": "sniper" for number in range(bidders - 2)}
    return Report("the time is up", 2.0, strategies, account, tally, verification)


def test_progress_shows_what_happened_since_the_last_line() -> None:
    account, tally = a_run()
    watch = Watch(account, tally, now=100.0)
    first = watch.glance(102.0)
    assert (first.seconds, first.accepted, first.accepted_per_second, first.answers_per_second) == (2.0, 3, 1.5, 50.0)
    assert 9.5 < first.p50_ms < 10.5
    assert first.refused == Counter({"TOO_LOW": 2})
    second = watch.glance(103.0)
    assert (second.accepted, second.accepted_per_second, second.answers_per_second, second.p99_ms) == (3, 0, 0, 0)


class OneLine(io.StringIO):
    """A stream that is no terminal, and that stops what it shows after a line."""

    def __init__(self, stopping: asyncio.Event) -> None:
        super().__init__()
        self._stopping = stopping

    def flush(self) -> None:
        """Called after each line."""
        self._stopping.set()


async def test_where_there_is_no_terminal_progress_is_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0.01)
    account, tally = a_run()
    stopping = asyncio.Event()
    stream = OneLine(stopping)
    now = asyncio.get_running_loop().time()
    await show_progress(Watch(account, tally, now), stopping, "2 bidders", stream)
    [line] = stream.getvalue().splitlines()
    assert "accepted 3  refused: TOO_LOW 2  no answer: timeout 1" in line
    assert line.isprintable()


def test_the_live_table_shows_what_the_line_shows() -> None:
    account, tally = a_run()
    glance = Watch(account, tally, now=100.0).glance(101.0)
    cells = [str(cell) for column in live_table(glance).columns for cell in column.cells]
    for part in ("TOO_LOW 2", "timeout 1"):
        assert part in plain_line(glance)
        assert any(part in cell for cell in cells)


def test_the_text_has_the_sums_and_the_bidders_with_the_highest_amounts_first() -> None:
    lines = report().as_text().splitlines()
    assert all(line.isprintable() for line in lines)
    assert lines[:3] == [
        "Stopped after 2.0 s: the time is up.",
        "bids       5 asked, 2 refused, 0 given up",
        "accepted   3 (2/s)",
    ]
    assert [line.split() for line in lines[-2:]] == [["ann", "proxy", "2", "1,000"], ["bob", "jumper", "1", "150"]]


def test_a_verification_reports_agreement_or_every_difference() -> None:
    agrees = report(Verification(2, 3, 2, [])).as_text()
    assert agrees.endswith("Verified: 2 items, 3 bids, 2 bidders; everything agrees.")
    differs = report(Verification(2, 3, 2, [f"difference {number}" for number in range(25)])).as_text().splitlines()
    assert differs[-22] == "DIFFERENCES (2 items, 3 bids, 2 bidders):"
    assert differs[-2:] == ["difference 19", "and 5 more (--json has all)"]


def test_json_has_every_bidder_and_every_difference() -> None:
    value = json.loads(report(Verification(2, 3, 2, ["a difference"]), bidders=30).as_json())
    assert (value["asked"], value["accepted"], value["purchases"], value["accepted_per_s"]) == (5, 3, 1, 1.5)
    assert (value["refused"], value["no_answers"]) == ({"TOO_LOW": 2}, {"timeout": 1})
    assert len(value["bidders"]) == 30
    assert value["bidders"][0] == {"user_id": "ann", "strategy": "proxy", "bids": 2, "amount": 1_000}
    assert value["bidders"][29] == {"user_id": "idle-27", "strategy": "sniper", "bids": 0, "amount": 0}
    assert value["items"] == [
        {"item_id": "sextant", "bids": 2, "amount": 250},
        {"item_id": "guitar", "bids": 1, "amount": 900},
    ]
    assert value["verification"]["differences"] == ["a difference"]
    assert json.loads(report().as_json())["verification"] is None
