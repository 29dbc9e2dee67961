"""RabbitMQ for a test: one server a run, a queue of its own, deleted afterwards."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from itertools import count

import pytest
import pytest_asyncio

from gavel.runtime.rabbitmq.topology import WorkQueue
from tests.servers.rabbitmq import RabbitMqServer, given_url, own_rabbitmq
from tests.servers.rabbitmq_broker import Broker
from tests.servers.worker import own_name

_queue_numbers = count(1)


@pytest.fixture(scope="session")
def own_rabbitmq_server() -> Generator[RabbitMqServer]:
    """A real RabbitMQ of this run's own."""
    with own_rabbitmq() as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq_url(request: pytest.FixtureRequest) -> str:
    """Where a real RabbitMQ is: the one that the environment names, or this run's own."""
    return given_url() or request.getfixturevalue("own_rabbitmq_server").url


@pytest_asyncio.fixture
async def broker(rabbitmq_url: str) -> AsyncGenerator[Broker]:
    """A queue with an exchange and dead letters of its own, as yet undeclared."""
    broker = Broker(rabbitmq_url, _names())
    yield broker
    await broker.delete_all()


@pytest_asyncio.fixture
async def mortal_rabbitmq(own_rabbitmq_server: RabbitMqServer) -> AsyncGenerator[RabbitMqServer]:
    """This run's own RabbitMQ for a test that does harm to it; it runs again afterwards."""
    yield own_rabbitmq_server
    await asyncio.to_thread(own_rabbitmq_server.thaw)
    await asyncio.to_thread(own_rabbitmq_server.start)


@pytest.fixture
def mortal_broker(mortal_rabbitmq: RabbitMqServer) -> Broker:
    """A queue on the server that is harmed."""
    return Broker(mortal_rabbitmq.url, _names())


def _names() -> WorkQueue:
    name = own_name(f"tests.{next(_queue_numbers)}")
    return WorkQueue(f"{name}.exchange", f"{name}.queue", f"{name}.dead")
