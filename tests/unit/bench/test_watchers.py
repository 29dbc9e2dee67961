"""A bid is with the watchers when the last of them has it, and a bid that one of them misses spoils the measurement."""

import socket
from collections.abc import Generator
from datetime import UTC, datetime

import pytest

from gavel.bench.case import MeasurementFailed
from gavel.bench.cases.watchers import last_wire_ms
from gavel.bench.crowd import Arrived
from gavel.bench.watch_probe import Watcher

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def wire() -> Generator[tuple[socket.socket, Watcher]]:
    server, client = socket.socketpair()
    with server, client:
        yield server, Watcher(client)


def test_a_bids_delay_is_that_of_the_last_watcher() -> None:
    arrived = {10: Arrived(3, AT.timestamp() + 0.040), 20: Arrived(3, AT.timestamp() + 0.025)}
    assert last_wire_ms(arrived, 3, {10: AT, 20: AT}) == pytest.approx([40, 25], abs=0.01)


@pytest.mark.parametrize("arrived", [{}, {10: Arrived(2, AT.timestamp())}, {10: Arrived(4, AT.timestamp())}])
def test_a_bid_that_came_to_fewer_watchers_or_twice_to_one_is_no_measurement(arrived: dict[int, Arrived]) -> None:
    with pytest.raises(MeasurementFailed, match="of 3 watchers"):
        last_wire_ms(arrived, 3, {10: AT})


def test_a_frame_that_comes_in_two_parts_is_read_as_one(wire: tuple[socket.socket, Watcher]) -> None:
    server, watcher = wire
    server.sendall(b'8\r\n"whole"\r\nf\r\n"amount":"12')
    assert watcher.read() == b'8\r\n"whole"\r\nf\r\n'
    server.sendall(b'34"\r\n')
    assert watcher.read() == b'"amount":"1234"\r\n'


def test_a_stream_that_the_server_ends_is_told_of(wire: tuple[socket.socket, Watcher]) -> None:
    server, watcher = wire
    server.close()
    with pytest.raises(ConnectionResetError):
        watcher.read()
