"""The write side's settings."""

from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, AmqpDsn, BeforeValidator, Field, RedisDsn

from gavel.bids.adapters.connect.seller_limits import SELLER_BYTES_PER_DAY, SELLER_CALLS_PER_DAY, SellerLimits
from gavel.runtime.http.settings import AdminSettings, HttpSettings, Port
from gavel.runtime.process.settings import DatabaseUrl, ProcessSettings, RoleNames


def _currency(code: str) -> str:
    if len(code) != 3 or not (code.isascii() and code.isalpha() and code.isupper()):
        raise ValueError("must be an ISO 4217 code such as USD")
    return code


Currency = Annotated[str, AfterValidator(_currency)]


def _none_if_empty(url: object) -> object:
    return url or None


# Without a URL, the cache is in the process's memory.
OptionalRedisUrl = Annotated[RedisDsn | None, BeforeValidator(_none_if_empty)]
# Without a URL, other processes' commits reach this process's watchers a second later, from the log.
OptionalRabbitMqUrl = Annotated[AmqpDsn | None, BeforeValidator(_none_if_empty)]


# Hidden prices, which no log line may show.
_SECRET_NAMES = ("maximum", "max_amount", "reserve")


class BidDatabaseSettings(ProcessSettings):
    """Settings of operators' commands."""

    secret_names: ClassVar = _SECRET_NAMES

    bid_db_url: DatabaseUrl


class BidMigrationSettings(BidDatabaseSettings):
    """Settings of `gavel migrate bids`, run as the schema's owner. `grant_to` roles get what the processes need."""

    grant_to: RoleNames = ()


class PageSettings(HttpSettings):
    """Settings of the page; `page` makes its public part."""

    secret_names: ClassVar = _SECRET_NAMES

    house_currency: Currency = "USD"
    # What one seller may list and change a day, in calls and in bytes of texts. 0: no limit.
    seller_calls_per_day: Annotated[int, Field(ge=0)] = SELLER_CALLS_PER_DAY
    seller_bytes_per_day: Annotated[int, Field(ge=0)] = SELLER_BYTES_PER_DAY
    # The page's client id at the provider of JWT_ISSUER. Without one the page offers no login.
    page_login_client_id: str = ""
    page_login_scope: str = "openid profile"

    def seller_limits(self) -> SellerLimits:
        """The limits of what one seller may write."""
        return SellerLimits(self.seller_calls_per_day, self.seller_bytes_per_day)

    def page(self) -> dict[str, object]:
        """The page's public settings: authentication mode, house currency, and login provider, if any."""
        page: dict[str, object] = {"auth_mode": self.auth_mode, "currency": self.house_currency}
        if issuer := self.login_issuer():
            login = {"issuer": issuer, "client_id": self.page_login_client_id, "scope": self.page_login_scope}
            page["login"] = login
        return page

    def login_issuer(self) -> str:
        """The provider where the page's users sign in; empty if there is none."""
        offers_login = self.auth_mode == "jwt" and self.page_login_client_id and urlsplit(self.jwt_issuer).netloc
        return self.jwt_issuer if offers_login else ""


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
