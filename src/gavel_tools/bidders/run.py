"""A run of bidders, from its options to its exit status."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from uuid import uuid4

import uvloop

from gavel.cli.token import KeyUnusable, open_minter
from gavel.contracts.userstats.v1.user_stats_service_pb import GetUserStatsRequest
from gavel.runtime.http.server import stop_signals
from gavel.runtime.postgres.data_folder import DataFolderUnusable, data_folder
from gavel.runtime.process.open_files import allow_open_files
from gavel_tools.bidders.account import Account
from gavel_tools.bidders.auctions import open_auctions
from gavel_tools.bidders.bidder import Bidder, Bounds
from gavel_tools.bidders.calls import GET_USER_STATS, Caller, Failed
from gavel_tools.bidders.http_connection import Address, UrlInvalid, address_of
from gavel_tools.bidders.market import ItemOnSale, Market
from gavel_tools.bidders.options import BiddersFailed, BiddersOptions
from gavel_tools.bidders.progress import Watch, progress_stream, show_progress
from gavel_tools.bidders.read_back import CannotVerify, Verification, Verifier, readers
from gavel_tools.bidders.report import Report
from gavel_tools.bidders.tally import CallTally

EXIT_DIFFERENT = 1
EXIT_CANNOT_START = 2
# How long the bids under way are waited for when the run ends.
DRAIN_SECONDS_MAX = 10.0
# A run's tokens outlast its end by what verifying may take.
TOKEN_SECONDS_TO_SPARE = 600.0
# What a process holds open besides the bidders' connections.
OTHER_FILES = 64


def run(options: BiddersOptions) -> int:
    """See gavel_tools.bidders.run_bidders."""
    try:
        report = uvloop.run(_run(options))
    except (BiddersFailed, UrlInvalid) as error:
        print(f"gavel bidders: {error}", file=sys.stderr)
        return EXIT_CANNOT_START
    print(report.as_json() if options.json else report.as_text())
    return EXIT_DIFFERENT if report.verification is not None and report.verification.differences else 0


async def _run(options: BiddersOptions) -> Report:
    address, stats_url = address_of(options.url), options.stats_url or options.url
    stats_address = address_of(stats_url)
    _allow_connections(options.bidders)
    token_of = _tokens(options)
    seller_id = str(uuid4())
    if options.verify:
        await _check_statistics(Caller(stats_address, CallTally(), token_of(seller_id)), stats_url)
    caller = Caller(address, CallTally(), token_of(seller_id))
    try:
        items, created = await open_auctions(caller, options, seller_id)
    finally:
        caller.close()
    if created and not options.create:
        said = f"No open auction is within the bidders' budgets: {len(created)} new ones are listed for the run."
        print(said, file=progress_stream(json=options.json), flush=True)
    loop, account, tally = asyncio.get_running_loop(), Account(), CallTally()
    begun_at = loop.time()
    bounds = Bounds(asyncio.Event(), begun_at + options.seconds_max, options.count)
    with ExitStack() as stack:
        bidders = _bidders(options, address, items, account, tally, bounds, stack, token_of)
        await _bid(bidders, bounds, Watch(account, tally, begun_at), options)
    seconds = loop.time() - begun_at
    verification = None
    if options.verify:
        print("Verifying ...", file=progress_stream(json=options.json), flush=True)
        token = token_of(seller_id)
        async with readers(address, options.url, token) as bids, readers(stats_address, stats_url, token) as stats:
            users = [bidder.user_id for bidder in bidders]
            verifier = Verifier(account, users, bids, stats, created=created, seller_id=seller_id)
            verification = await _verify(verifier, account)
    strategies = {bidder.user_id: bidder.strategy for bidder in bidders}
    return Report(bounds.why, seconds, strategies, account, tally, verification)


async def _check_statistics(caller: Caller, url: str) -> None:
    """Raise BiddersFailed, before anyone bids, where what `--verify` reads afterwards is at another address."""
    try:
        answer = await caller.call(GET_USER_STATS, GetUserStatsRequest(user_id=str(uuid4())))
    finally:
        caller.close()
    if isinstance(answer, Failed) and answer.code == "unimplemented":
        raise BiddersFailed(
            f"{url} has no statistics, which --verify reads: where they are a process of their own, as with `make up`"
            " and compose.yaml, add its address: --stats-url http://127.0.0.1:8081"
        )


def _tokens(options: BiddersOptions) -> Callable[[str], str]:
    """What gives a user their token; an empty one where none is wanted. Raises BiddersFailed."""
    if not options.auth:
        return lambda _: ""
    try:
        minter = open_minter(data_folder())
    except (KeyUnusable, DataFolderUnusable) as error:
        raise BiddersFailed(str(error)) from error
    lifetime_seconds = options.seconds_max + TOKEN_SECONDS_TO_SPARE
    return lambda user_id: minter.mint(user_id, None, lifetime_seconds)


def _bidders(
    options: BiddersOptions,
    address: Address,
    items: list[ItemOnSale],
    account: Account,
    tally: CallTally,
    bounds: Bounds,
    stack: ExitStack,
    token_of: Callable[[str], str],
) -> list[Bidder]:
    """The crowd, each with a connection and a fresh id of its own, so that all bids of an id are known."""
    market, bidders = Market(items), list[Bidder]()
    for number in range(options.bidders):
        user_id = str(uuid4())
        caller = Caller(address, tally, token_of(user_id))
        stack.callback(caller.close)
        bidders.append(
            Bidder(number, user_id, options.seed, caller=caller, market=market, account=account, bounds=bounds)
        )
    return bidders


async def _bid(bidders: Sequence[Bidder], bounds: Bounds, watch: Watch, options: BiddersOptions) -> None:
    """Let them bid until the run ends. Bids under way get DRAIN_SECONDS_MAX to be answered."""
    loop, title = asyncio.get_running_loop(), f"{len(bidders)} bidders at {options.url}   (Ctrl-C stops)"
    with stop_signals() as interrupted:
        async with asyncio.TaskGroup() as group:
            crowd = [group.create_task(bidder.bid_on(options.pause_seconds)) for bidder in bidders]
            group.create_task(show_progress(watch, bounds.stopping, title, progress_stream(json=options.json)))
            everyone = group.create_task(asyncio.wait(crowd))
            stopped = group.create_task(bounds.stopping.wait())
            interrupt = group.create_task(interrupted.wait())
            interrupt.add_done_callback(lambda _: bounds.stop("it was interrupted"))
            timer = loop.call_at(bounds.ends_at, bounds.stop, "the time is up")
            await asyncio.wait([everyone, stopped], return_when=asyncio.FIRST_COMPLETED)
            bounds.stop("every auction is over")
            _, late = await asyncio.wait(crowd, timeout=DRAIN_SECONDS_MAX)
            for task in (*late, interrupt):
                task.cancel()
            timer.cancel()


async def _verify(verifier: Verifier, account: Account) -> Verification:
    """Compare the server with the account. Answers that no server should give are differences too."""
    unexpected = [f"{count} times the server answered {what}" for what, count in account.failed.items()]
    try:
        verification = await verifier.verify()
    except CannotVerify as error:
        return Verification(0, 0, 0, [*unexpected, f"nothing could be verified: {error}"])
    return replace(verification, differences=unexpected + verification.differences)


def _allow_connections(bidders: int) -> None:
    """Let the process hold a connection for each bidder. Raises BiddersFailed where the system does not."""
    needed = bidders + OTHER_FILES
    allowed = allow_open_files(needed)
    if allowed < needed:
        raise BiddersFailed(f"{bidders} bidders need {needed} open files, {allowed} are allowed: have fewer bidders")
