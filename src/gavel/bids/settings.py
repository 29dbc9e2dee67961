"""The write side's settings."""

from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, AmqpDsn, BeforeValidator, RedisDsn

from gavel.runtime.http.settings import AdminSettings, HttpSettings, Port
from gavel.runtime.process.settings import DatabaseUrl, ProcessSettings, RoleNames


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


# Hidden prices: no log line shows them.
_SECRET_NAMES = ("maximum", "max_amount", "reserve")


class BidDatabaseSettings(ProcessSettings):
    """What operators do by hand."""

    secret_names: ClassVar = _SECRET_NAMES

    bid_db_url: DatabaseUrl


class BidMigrationSettings(BidDatabaseSettings):
    """`gavel migrate bids`, as the schema's owner; the processes' role gets what they need of it."""

    grant_to: RoleNames = ()


class PageSettings(HttpSettings):
    """What the page is told: see `page`."""

    secret_names: ClassVar = _SECRET_NAMES

    house_currency: Currency = "USD"
    # The page's name at the provider of JWT_ISSUER; without one it offers no login.
    page_login_client_id: str = ""
    page_login_scope: str = "openid profile"

    def page(self) -> dict[str, object]:
        """How people prove who they are, the house currency, and where they sign in, if anywhere."""
        told: dict[str, object] = {"auth_mode": self.auth_mode, "currency": self.house_currency}
        if self.login_origins():
            login = {"issuer": self.jwt_issuer, "client_id": self.page_login_client_id, "scope": self.page_login_scope}
            told["login"] = login
        return told

    def login_origins(self) -> list[str]:
        """Where the page calls besides its own server: the provider, to sign in."""
        issuer = urlsplit(self.jwt_issuer)
        if self.auth_mode == "trusted" or not self.page_login_client_id or not issuer.netloc:
            return []
        return [f"{issuer.scheme}://{issuer.netloc}"]


class BidApiSettings(PageSettings):
    """`gavel bid-api`."""

    bid_db_url: DatabaseUrl
    redis_url: OptionalRedisUrl = None
    rabbitmq_url: OptionalRabbitMqUrl = None


class BidWorkerSettings(AdminSettings):
    """`gavel bid-worker`."""

    secret_names: ClassVar = _SECRET_NAMES

    bid_db_url: DatabaseUrl
    rabbitmq_url: AmqpDsn
    admin_port: Port = 9091
