"""What a failure of Postgres means: whose fault it is, and whether the connection can still be used."""

import asyncpg
import pytest

from gavel.bids.adapters.postgres.failures import NotCommitted, blames_content
from gavel.runtime.postgres.connections import connection_was_lost, leaves_connection_in_doubt


def _by_server(sqlstate: str) -> BaseException:
    return asyncpg.PostgresError.new({"C": sqlstate, "M": "said by the server"}, None)


LOST: list[BaseException] = [
    ConnectionResetError(),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    # What the driver says of a server that ended the session, before it has seen the end of the socket.
    asyncpg.InternalClientError("got result for unknown protocol state 3"),
    _by_server("57P01"),
    _by_server("08006"),
]
SLOW = TimeoutError()
REFUSALS = [_by_server(sqlstate) for sqlstate in ("23514", "22003", "P0001")]


@pytest.mark.parametrize("error", LOST, ids=repr)
def test_a_lost_connection_is_thrown_away_and_what_was_not_decided_is_tried_once_more(error: BaseException) -> None:
    assert connection_was_lost(error)
    assert leaves_connection_in_doubt(error)
    assert not blames_content(error)
    assert _not_committed(error, decided=False).worth_another_try
    assert not _not_committed(error, decided=True).worth_another_try


def test_a_slow_server_is_not_asked_again_and_its_connection_is_thrown_away() -> None:
    assert not connection_was_lost(SLOW)
    assert leaves_connection_in_doubt(SLOW)
    assert not _not_committed(SLOW, decided=False).worth_another_try


@pytest.mark.parametrize("error", REFUSALS, ids=repr)
def test_a_refused_statement_blames_its_content_and_leaves_the_connection_as_it_was(error: BaseException) -> None:
    assert blames_content(error)
    assert not connection_was_lost(error)
    assert not leaves_connection_in_doubt(error)


def test_the_victim_of_a_deadlock_is_tried_once_more() -> None:
    assert _not_committed(_by_server("40P01"), decided=True).worth_another_try


def _not_committed(cause: BaseException, *, decided: bool) -> NotCommitted:
    failure = NotCommitted(decided=decided)
    failure.__cause__ = cause
    return failure
