"""Client and server must tell the same story, or there are no figures."""

from dataclasses import replace

import pytest

from gavel_tools.bench.case import MeasurementFailed
from gavel_tools.bench.cases.bids_under_load import check_counts
from gavel_tools.bench.clients.bid_service import ItemCount
from gavel_tools.bench.clients.wrk import Load

CONNECTIONS = 64
LOAD = Load(answered=1_100, refused=100, broken=0, late=0, seconds=1, p50_ms=1, p99_ms=1)
BEFORE = [ItemCount("a", 10, 11), ItemCount("b", 20, 21)]


def after(accepted: int) -> list[ItemCount]:
    return [ItemCount("a", 10 + accepted, 11 + accepted), ItemCount("b", 20, 21)]


@pytest.mark.parametrize("unseen", [0, 1, CONNECTIONS])
def test_the_server_may_have_accepted_one_bid_more_on_each_connection(unseen: int) -> None:
    check_counts(BEFORE, after(1_000 + unseen), LOAD, CONNECTIONS)


@pytest.mark.parametrize("accepted", [999, 1_000 + CONNECTIONS + 1])
def test_counts_that_disagree_are_a_failed_measurement(accepted: int) -> None:
    with pytest.raises(MeasurementFailed, match=f"counts {accepted} accepted bids, and the client got 1000 2xx"):
        check_counts(BEFORE, after(accepted), LOAD, CONNECTIONS)


@pytest.mark.parametrize("seq", [1_010, 1_012])
def test_a_gap_in_seq_is_a_failed_measurement(seq: int) -> None:
    with pytest.raises(MeasurementFailed, match="seq has gaps"):
        check_counts(BEFORE, [ItemCount("a", 1_010, seq), BEFORE[1]], LOAD, CONNECTIONS)


def test_a_run_without_an_accepted_bid_is_a_failed_measurement() -> None:
    with pytest.raises(MeasurementFailed, match="no bid was accepted"):
        check_counts(BEFORE, BEFORE, replace(LOAD, refused=1_100), CONNECTIONS)


@pytest.mark.parametrize("load", [replace(LOAD, broken=1), replace(LOAD, late=1)])
def test_broken_connections_and_late_answers_are_a_failed_measurement(load: Load) -> None:
    with pytest.raises(MeasurementFailed, match="broken connections"):
        check_counts(BEFORE, after(1_000), load, CONNECTIONS)


def test_the_next_load_starts_above_every_bid_that_can_have_been_sent() -> None:
    assert LOAD.sent_max(CONNECTIONS) == 1_100 + CONNECTIONS + 1
