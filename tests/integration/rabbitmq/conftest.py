"""A real RabbitMQ for the tests of this folder."""

import pytest

from gavel.bids.adapters.rabbitmq import publisher as rabbitmq_publisher
from gavel.runtime.rabbitmq import connection as rabbitmq
from tests.servers.rabbitmq_fixtures import broker, mortal_broker, mortal_rabbitmq, own_rabbitmq_server, rabbitmq_url

__all__ = ["broker", "mortal_broker", "mortal_rabbitmq", "own_rabbitmq_server", "rabbitmq_url"]

PATIENCE_SECONDS = 60.0


@pytest.fixture(autouse=True)
def patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait long for a broker without faults: on a busy machine it may take longer than Gavel has time."""
    if not {"proxy", "mortal_rabbitmq"} & set(request.fixturenames):
        monkeypatch.setattr(rabbitmq, "CONNECT_SECONDS_MAX", PATIENCE_SECONDS)
        monkeypatch.setattr(rabbitmq, "CONFIRM_SECONDS_MAX", PATIENCE_SECONDS)
        monkeypatch.setattr(rabbitmq_publisher, "PUBLISH_SECONDS_MAX", PATIENCE_SECONDS)
