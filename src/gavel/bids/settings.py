"""The write side's settings."""

from typing import Annotated

from pydantic import AfterValidator, AmqpDsn, BeforeValidator, RedisDsn

from gavel.runtime.http_settings import AdminSettings, HttpSettings, Port
from gavel.runtime.settings import DatabaseUrl, ProcessSettings


def _currency(code: str) -> str:
    if len(code) != 3 or not (code.isascii() and code.isalpha() and code.isupper()):
        raise ValueError("must be an ISO 4217 code such as USD")
    return code


Currency = Annotated[str, AfterValidator(_currency)]


def _none_if_empty(url: object) -> object:
    return url or None


# Without one, the cache is in the process's memory.
OptionalRedisUrl = Annotated[RedisDsn | None, BeforeValidator(_none_if_empty)]
# Without one, what other processes commit reaches this one's watchers a second later, from the log.
OptionalRabbitMqUrl = Annotated[AmqpDsn | None, BeforeValidator(_none_if_empty)]


class BidDatabaseSettings(ProcessSettings):
    """`gavel migrate bids`."""

    bid_db_url: DatabaseUrl


class BidApiSettings(HttpSettings):
    """`gavel bid-api`."""

    bid_db_url: DatabaseUrl
    redis_url: OptionalRedisUrl = None
    rabbitmq_url: OptionalRabbitMqUrl = None
    house_currency: Currency = "USD"


class BidWorkerSettings(AdminSettings):
    """`gavel bid-worker`."""

    bid_db_url: DatabaseUrl
    rabbitmq_url: AmqpDsn
    admin_port: Port = 9091
