"""Tests that start a server each and never end: the run that `test_interrupted_run.py` interrupts."""

import threading

import pytest

from tests.servers.redis import RedisServer
from tests.servers.redis_fixtures import own_redis_server

__all__ = ["own_redis_server"]


@pytest.mark.parametrize("number", range(8))
def test_never_ends(own_redis_server: RedisServer, number: int) -> None:
    threading.Event().wait()
