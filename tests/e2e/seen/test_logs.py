"""What the processes log."""

import json
from typing import Any
from uuid import uuid4

import pytest

from gavel_tools.local_servers.stack import Stack
from tests.e2e.four_processes import StackClient
from tests.e2e.seen.callers import traceparent

# To start all of it takes long where the machine has much else to do.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def log_lines(stack: Stack, process: str) -> list[dict[str, Any]]:
    """What a process has said so far; each line an event."""
    return [json.loads(line) for line in stack.processes[process].log_file.read_text(encoding="utf-8").splitlines()]


async def test_a_refused_bid_is_one_line_at_info_with_its_ids_and_without_a_traceback(
    stack: Stack, four: StackClient
) -> None:
    item_id = await four.list_item(title="two\nlines \u2028 of a title")
    trace_id, request_id, user_id = uuid4().hex, uuid4().hex, str(uuid4())
    bid = {"itemId": item_id, "userId": user_id, "amount": 1, "maxAmount": 777_666_555}
    tracing = {"traceparent": traceparent(trace_id), "X-Request-Id": request_id}
    assert (await four.call("PlaceBid", bid, **tracing)).status_code == 400
    [line] = [each for each in log_lines(stack, "bid-api") if each.get("request_id") == request_id]
    assert line.pop("timestamp")
    assert line == {
        "event": "request_refused",
        "level": "info",
        "method": "PlaceBid",
        "code": "failed_precondition",
        "reason": "the bid is below the least bid: bid at least 100",
        "request_id": request_id,
        "client": "127.0.0.1",
        "trace_id": trace_id,
        "item_id": item_id,
        "user_id": user_id,
    }


async def test_no_process_logs_an_address_with_its_password(stack: Stack) -> None:
    told = {name: log_lines(stack, name) for name in stack.processes}
    assert all("started" in {line["event"] for line in lines} for lines in told.values())
    assert "://guest:guest@" in stack.rabbitmq.url
    assert "guest:guest" not in json.dumps(told)
