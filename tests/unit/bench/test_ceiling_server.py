"""The HTTP ceiling is that of a server which shares nothing with Gavel's."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from gavel_tools.bench.systems.ceiling_server import REPLY, answer

LOADED = """
import sys
import gavel_tools.bench.systems.ceiling_server
print(sorted(name for name in sys.modules if name.partition(".")[0] == "gavel"))
"""


def test_it_imports_nothing_of_gavel() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_it_reads_a_body_to_its_end_and_answers_370_bytes_of_json() -> None:
    body: list[Mapping[str, Any]] = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "body": b"b"},
    ]
    sent: list[Mapping[str, Any]] = []

    async def receive() -> Mapping[str, Any]:
        return body.pop(0)

    async def send(message: Mapping[str, Any]) -> None:
        assert not body
        sent.append(message)

    await answer({"type": "http"}, receive, send)
    [start, whole] = sent
    assert start["status"] == 200
    assert (b"content-length", b"370") in start["headers"]
    assert whole["body"] == REPLY
    assert len(REPLY) == 370
    assert json.loads(REPLY)
