"""One address for several servers, as a cluster's service is: each new connection goes to the next that takes it."""

import asyncio
from collections.abc import Sequence
from itertools import cycle

from tests.servers.fault_proxy import Streams, Upstream


def next_of(ports: Sequence[int]) -> Upstream:
    """The upstream of a fault proxy that goes round servers of the loopback, and passes over those that are away."""
    turns = cycle(ports)

    async def connect() -> Streams:
        failures: list[Exception] = []
        while len(failures) < len(ports):
            try:
                return await asyncio.open_connection("127.0.0.1", next(turns))
            except OSError as failure:
                failures.append(failure)
        raise ConnectionRefusedError("none of them is there")

    return connect
