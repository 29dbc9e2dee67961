"""A real RabbitMQ for the tests of this folder."""

from tests.servers.rabbitmq_fixtures import broker, mortal_broker, mortal_rabbitmq, own_rabbitmq_server, rabbitmq_url

__all__ = ["broker", "mortal_broker", "mortal_rabbitmq", "own_rabbitmq_server", "rabbitmq_url"]
