"""`gavel audit`: verify the digest chains of bid_db's log, and print their heads."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import typer

from gavel.bids.adapters.postgres.audit.audit_log import FIRST_ID, LAST_ID, check_log, read_heads
from gavel.bids.adapters.postgres.audit.check import Anchor, ItemCheck
from gavel.bids.domain.ids import ItemId, canonical_uuid
from gavel.bids.settings import BidDatabaseSettings
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.process.settings import load_settings

PROGRESS_SECONDS = 5.0
EXIT_WRONG = 1

Anchors = dict[ItemId, list[Anchor]]


@dataclass(slots=True)
class _Account:
    """Count of what was checked, printed from time to time."""

    items: int = 0
    covered: int = 0
    uncovered: int = 0
    wrong: int = 0
    told_at: float = 0.0

    def add(self, check: ItemCheck) -> None:
        self.items += 1
        self.covered += check.covered
        self.uncovered += check.uncovered
        self.wrong += check.wrong
        for finding in check.findings:
            typer.echo(f"{check.item_id} {finding.place}: {finding.what}")
        if check.wrong > len(check.findings):
            typer.echo(f"{check.item_id} and {check.wrong - len(check.findings)} more of this item")
        if monotonic() - self.told_at >= PROGRESS_SECONDS:
            self.told_at = monotonic()
            print(f"{self.items} items, {self.covered} changes so far ...", file=sys.stderr)  # noqa: T201 - progress

    def miss(self, item_id: ItemId) -> None:
        self.wrong += 1
        typer.echo(f"{item_id} auctions: there is no such item")


async def verify(items: Sequence[str], heads: Path | None) -> None:
    """Verify the chain of some items' logs, by default of all, and print each finding.

    With `heads`, a file that `print_heads` made, a log that was written anew from before then is found too.
    Raises typer.Exit with EXIT_WRONG where anything is wrong.
    """
    chosen = [_item_id(text) for text in items]
    anchors = {} if heads is None else read_anchors(heads)
    if chosen:
        anchors = {item_id: anchors[item_id] for item_id in chosen if item_id in anchors}
    account = _Account(told_at=monotonic())
    missing = {*chosen, *anchors}
    connection = await postgres.connect(load_settings(BidDatabaseSettings).bid_db_url, "gavel-audit")
    try:
        for first, last in [(item_id, item_id) for item_id in chosen] or [(FIRST_ID, LAST_ID)]:
            async with aclosing(check_log(connection, first, last, anchors)) as checks:
                async for check in checks:
                    missing.discard(check.item_id)
                    account.add(check)
    finally:
        await connection.close()
    for item_id in sorted(missing):
        account.miss(item_id)
    typer.echo(
        f"{account.items} items: {account.covered} changes are covered, {account.uncovered} are from before there was"
        f" a chain, {_anchored(anchors)}; {account.wrong or 'nothing'} wrong"
    )
    if account.wrong:
        raise typer.Exit(EXIT_WRONG)


async def print_heads() -> None:
    """Print the head of each item's log, a line an item: to be kept elsewhere, where bidders can't read it."""
    connection = await postgres.connect(load_settings(BidDatabaseSettings).bid_db_url, "gavel-audit")
    try:
        async with aclosing(read_heads(connection)) as heads:
            async for item_id, head in heads:
                typer.echo(f"{item_id} {head.seq} {head.revision} {head.digest.hex()}")
    finally:
        await connection.close()


def read_anchors(file: Path) -> Anchors:
    """Read heads from a file, which may have several of an item. Raises typer.BadParameter for a malformed line."""
    anchors: Anchors = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            item_id, seq, revision, digest = line.split()
            anchor = Anchor(int(seq), int(revision), bytes.fromhex(digest))
        except ValueError:
            raise typer.BadParameter(f"{file}, line {number} is no head of a log") from None
        anchors.setdefault(_item_id(item_id), []).append(anchor)
    return anchors


def _item_id(text: str) -> ItemId:
    canonical = canonical_uuid(text)
    if canonical is None:
        raise typer.BadParameter("an item's id is a UUID of 36 characters")
    return ItemId(canonical)


def _anchored(anchors: Mapping[ItemId, Sequence[Anchor]]) -> str:
    return f"{sum(map(len, anchors.values()))} heads were noted"
