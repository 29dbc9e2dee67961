"""A RabbitMQ queue keeps the promises of a place for dead letters, and some of its own."""

from collections.abc import AsyncGenerator

import pytest

from gavel.userstats.adapters.rabbitmq_dead_letters import RabbitMqDeadLetters
from tests.servers.rabbitmq_broker import Broker
from tests.suites.dead_letters_suite import DeadLettersSuite

pytestmark = pytest.mark.integration


@pytest.fixture
async def dead_letters(broker: Broker) -> AsyncGenerator[RabbitMqDeadLetters]:
    letters = RabbitMqDeadLetters(broker.url, broker.queue)
    yield letters
    await letters.close()


class TestRabbitMqDeadLetters(DeadLettersSuite):
    """The suite on a real broker."""
