"""`gavel audit`: verify the digest chains of bid_db's log, and print their heads."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from gavel.bids.adapters.postgres.audit.audit_log import FIRST_ID, LAST_ID, check_log, read_heads
from gavel.bids.adapters.postgres.audit.check import Anchor, ItemCheck
from gavel.bids.domain.auction import ItemId, canonical_uuid
from gavel.bids.settings import BidDatabaseSettings
from gavel.cli.command_errors import run
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.process.settings import load_settings

PROGRESS_SECONDS = 5.0
EXIT_WRONG = 1

Anchors = dict[ItemId, list[Anchor]]

app = typer.Typer(no_args_is_help=True, help="Verify the log of all bids and changes.")


@dataclass(slots=True)
class _Totals:
    """Totals of the checks, printed as progress every PROGRESS_SECONDS."""

    items: int = 0
    covered: int = 0
    uncovered: int = 0
    wrong: int = 0
    printed_at: float = 0.0

    def add(self, check: ItemCheck) -> None:
        self.items += 1
        self.covered += check.covered
        self.uncovered += check.uncovered
        self.wrong += check.wrong
        for finding in check.findings:
            typer.echo(f"{check.item_id} {finding.place}: {finding.what}")
        if check.wrong > len(check.findings):
            typer.echo(f"{check.item_id} log: {check.wrong - len(check.findings)} more findings")
        if monotonic() - self.printed_at >= PROGRESS_SECONDS:
            self.printed_at = monotonic()
            typer.echo(f"{self.items} items, {self.covered} changes checked ...", err=True)

    def miss(self, item_id: ItemId) -> None:
        self.wrong += 1
        typer.echo(f"{item_id} auctions: the item does not exist")


@app.command("verify")
def verify(
    *,
    item: Annotated[list[str] | None, typer.Option(help="Id of an item to verify; repeatable. Default: all.")] = None,
    heads: Annotated[
        Path | None,
        typer.Option(help="Earlier output of `gavel audit heads`, to compare with.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Verify the digest chain of each item's log; exit status 1 if a row was changed, added or removed."""
    run(lambda: _verify(item or (), heads))


@app.command("heads")
def print_heads() -> None:
    """Print the head of each item's log, a line an item. Keep it outside the database, hidden from bidders."""
    run(_print_heads)


async def _verify(items: Sequence[str], heads: Path | None) -> None:
    """Verify the logs of some items, by default of all, and print each finding.

    A log that was rewritten as a whole shows only with `heads` from before. Raises typer.Exit with EXIT_WRONG if there
    is a finding.
    """
    chosen = [_item_id(text) for text in items]
    anchors = {} if heads is None else read_anchors(heads)
    if chosen:
        anchors = {item_id: anchors[item_id] for item_id in chosen if item_id in anchors}
    totals = _Totals(printed_at=monotonic())
    missing = {*chosen, *anchors}
    connection = await postgres.connect(load_settings(BidDatabaseSettings).bid_db_url, "gavel-audit")
    try:
        for first, last in [(item_id, item_id) for item_id in chosen] or [(FIRST_ID, LAST_ID)]:
            async with aclosing(check_log(connection, first, last, anchors)) as checks:
                async for check in checks:
                    missing.discard(check.item_id)
                    totals.add(check)
    finally:
        await connection.close()
    for item_id in sorted(missing):
        totals.miss(item_id)
    typer.echo(
        f"{totals.items} items: {totals.covered} changes with a digest, {totals.uncovered} from before the chain,"
        f" {_anchored(anchors)}; findings: {totals.wrong or 'none'}"
    )
    if totals.wrong:
        raise typer.Exit(EXIT_WRONG)


async def _print_heads() -> None:
    connection = await postgres.connect(load_settings(BidDatabaseSettings).bid_db_url, "gavel-audit")
    try:
        async with aclosing(read_heads(connection)) as heads:
            async for item_id, head in heads:
                typer.echo(f"{item_id} {head.seq} {head.revision} {head.digest.hex()}")
    finally:
        await connection.close()


def read_anchors(file: Path) -> Anchors:
    """Read heads from a file, which may have several of one item. Raises typer.BadParameter for a malformed line."""
    anchors: Anchors = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            item_id, seq, revision, digest = line.split()
            anchor = Anchor(int(seq), int(revision), bytes.fromhex(digest))
        except ValueError:
            raise typer.BadParameter(f"{file}, line {number}: not a line of `gavel audit heads`") from None
        anchors.setdefault(_item_id(item_id), []).append(anchor)
    return anchors


def _item_id(text: str) -> ItemId:
    canonical = canonical_uuid(text)
    if canonical is None:
        raise typer.BadParameter("an item id is a UUID of 36 characters")
    return ItemId(canonical)


def _anchored(anchors: Mapping[ItemId, Sequence[Anchor]]) -> str:
    return f"{sum(map(len, anchors.values()))} heads compared"
