"""Wire fuzz: connections with a few bids each, some of them damaged, sent in pieces; the same for a seed."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
from rich.progress import Progress

from gavel.contracts.bids.v1.bid_service_pb import PlaceBidRequest
from tests.e2e.gavel_process import Client, Standalone, bidder
from tests.memory_edge import ENCODINGS, PLACE_BID, encoded, placed_amount
from tests.raw_http import Address, cut, post, post_chunked, replies_in

CONNECTIONS = 2_000
AT_ONCE = 16
REQUESTS_MAX = 5
PIECES_MAX = 12
ANSWER_SECONDS_MAX = 30.0
# Statuses of answers to what is no request of HTTP/1.1, or of a bid; 5xx others than these are faults.
NOT_SERVED = (501, 505)
# What a request is damaged with besides random bytes.
_INSERTED = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"0\r\n\r\n", b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n",
)  # fmt: skip
_FIELDS = (b"connect-timeout-ms: 9000", b"expect: 100-continue", b"upgrade: h2c\r\nconnection: upgrade", b"x: y")


@dataclass(slots=True)
class PiecesReport:
    """How many bids were accepted and how many requests were refused, and what must not be."""

    accepted: int = 0
    refused: int = 0
    failures: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is sent on one connection, in pieces; the first `sound` requests are undamaged."""

    pieces: list[bytes]
    sound: int


class Conversations:
    """Conversations about one item each. The amounts of an item rise, so that each sound bid can be accepted."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def about(self, item_id: str) -> Conversation:
        """The next one."""
        count, sent, sound = self._chance.randint(1, REQUESTS_MAX), b"", 0
        is_damaged = False
        for number in range(count):
            request = self._request(item_id, number)
            if self._chance.random() < 0.4:
                request, is_damaged = self._damaged(request), True
            elif not is_damaged:
                sound += 1
            sent += request
        # Often many small pieces at the beginning, where the head is.
        ends = self._chance.sample(range(1, len(sent)), min(self._chance.randint(0, PIECES_MAX), len(sent) - 1))
        return Conversation(cut(sent, sorted(ends)), sound)

    def _request(self, item_id: str, number: int) -> bytes:
        encoding = self._chance.choice(ENCODINGS)
        message = PlaceBidRequest(item_id=item_id, user_id=bidder(number), amount=1_000 * 2**number)
        body, content_type = encoded(message, encoding), f"application/{encoding}"
        fields = [self._chance.choice(_FIELDS)] if self._chance.random() < 0.3 else []
        if self._chance.random() < 0.3:
            return post_chunked(PLACE_BID, body, content_type, *fields, sizes=[self._chance.randint(1, len(body))])
        return post(PLACE_BID, body, content_type, *fields)

    def _damaged(self, request: bytes) -> bytes:
        damaged = bytearray(request)
        for _ in range(self._chance.randint(1, 3)):
            place = self._chance.randrange(len(damaged))
            match self._chance.randrange(4):
                case 0:
                    del damaged[place : place + self._chance.randint(1, 4)]
                case 1:
                    damaged[place] = self._chance.randrange(256)
                case 2:
                    damaged[place:place] = self._chance.choice(_INSERTED)
                case _:
                    damaged[place:place] = damaged[place : place + 24]
        return bytes(damaged)


async def fuzz_pieces(gavel: Standalone, seed: int, count: int, progress: Progress | None = None) -> PiecesReport:
    """Hold `count` conversations, AT_ONCE at a time.

    Each sound request in front of the first damaged one has one answer. Every byte that comes back belongs to a
    response. The bids that are stored are those that were answered as accepted.
    """
    report, conversations = PiecesReport(), Conversations(seed)
    parts = urlsplit(gavel.url)
    address = parts.hostname or "", parts.port or 0
    task = progress.add_task("connections", total=count) if progress else None
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS_MAX, base_url=gavel.url) as http:
        client = Client(http, gavel.url)

        async def hold(numbers: Iterator[int]) -> None:
            for number in numbers:
                item_id = await client.list_item(bidIncrement={"fixed": 1})
                conversation = conversations.about(item_id)
                if problem := await _problem(client, address, item_id, conversation, report):
                    sent = b"".join(conversation.pieces)
                    report.failures.append(f"connection {number} of seed {seed}: {problem}: {sent!r}")
                if progress and task is not None:
                    progress.advance(task)

        numbers = iter(range(count))
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(hold(numbers))
        if (await http.get("/livez")).status_code != 200:
            report.failures.append("afterwards /livez is not answered")
    return report


async def _problem(
    client: Client, address: Address, item_id: str, conversation: Conversation, report: PiecesReport
) -> str:
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            answered = await _answers(address, conversation.pieces)
    except TimeoutError:
        return f"not closed within {ANSWER_SECONDS_MAX:.0f} s"
    except ConnectionError as error:
        return f"the connection broke: {error!r}"
    try:
        replies = [reply for reply in replies_in(answered) if reply.status != 100]
    except (AssertionError, ValueError, KeyError) as error:
        return f"no responses: {error!r} in {answered!r}"
    if faults := [reply.status for reply in replies if reply.status >= 500 and reply.status not in NOT_SERVED]:
        return f"answered with {faults}"
    amounts = [amount for reply in replies if (amount := placed_amount(reply))]
    if [reply.status for reply in replies[: conversation.sound]] != [200] * conversation.sound:
        return f"sound requests have the answers {[reply.status for reply in replies]}"
    stored = [int(bid["amount"]) for bid in await client.bids(item_id)]
    if stored != amounts:
        return f"accepted were {amounts}, stored are {stored}"
    report.accepted += len(amounts)
    report.refused += len(replies) - len(amounts)
    return ""


async def _answers(address: Address, pieces: list[bytes]) -> bytes:
    """Send pieces, close this half, and return all bytes that come back."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0)
        writer.write_eof()
        return await reader.read()
    finally:
        writer.transport.abort()
