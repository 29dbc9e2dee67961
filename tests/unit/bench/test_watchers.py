"""The arrival of a bid is measured for each watcher, and a missed bid fails the measurement."""

import socket
from collections.abc import Generator
from datetime import UTC, datetime

import pytest

from gavel_tools.bench.case import MeasurementFailed
from gavel_tools.bench.cases.watchers import wires_ms
from gavel_tools.bench.clients.crowd import Arrived
from gavel_tools.bench.clients.watch_probe import Watcher

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def wire() -> Generator[tuple[socket.socket, Watcher]]:
    server, client = socket.socketpair()
    with server, client:
        yield server, Watcher(client)


def test_a_bids_delay_is_measured_for_each_watcher() -> None:
    arrived = {10: [AT.timestamp() + 0.030, AT.timestamp() + 0.040], 20: [AT.timestamp() + 0.025] * 2}
    [ten, twenty] = wires_ms(arrived, 2, {10: AT, 20: AT})
    assert ten == pytest.approx([30, 40], abs=0.01)
    assert twenty == pytest.approx([25, 25], abs=0.01)


@pytest.mark.parametrize("arrived", [{}, {10: [AT.timestamp()] * 2}, {10: [AT.timestamp()] * 4}])
def test_a_bid_that_came_to_fewer_watchers_or_twice_to_one_is_no_measurement(arrived: Arrived) -> None:
    with pytest.raises(MeasurementFailed, match="of 3 watchers"):
        wires_ms(arrived, 3, {10: AT})


def test_a_frame_that_comes_in_two_parts_is_read_as_one(wire: tuple[socket.socket, Watcher]) -> None:
    server, watcher = wire
    server.sendall(b'8\r\n"whole"\r\nf\r\n"amount":"12')
    assert watcher.read() == b'8\r\n"whole"\r\nf\r\n'
    server.sendall(b'34"\r\n')
    assert watcher.read() == b'"amount":"1234"\r\n'


def test_a_stream_that_the_server_ends_is_reported(wire: tuple[socket.socket, Watcher]) -> None:
    server, watcher = wire
    server.close()
    with pytest.raises(ConnectionResetError):
        watcher.read()
