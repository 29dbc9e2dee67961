"""The write side's settings."""

from typing import Annotated

from pydantic import AfterValidator, Field, PostgresDsn

from gavel.runtime.http_settings import HttpSettings
from gavel.runtime.settings import ProcessSettings

DatabaseUrl = Annotated[PostgresDsn, Field(description="postgresql://user:password@host:port/database")]


def _currency(code: str) -> str:
    if len(code) != 3 or not (code.isascii() and code.isalpha() and code.isupper()):
        raise ValueError("must be an ISO 4217 code such as USD")
    return code


Currency = Annotated[str, AfterValidator(_currency)]


class BidApiSettings(HttpSettings):
    """`gavel bid-api`."""

    bid_db_url: DatabaseUrl
    http_port: int = 8080
    admin_port: int = 9090
    house_currency: Currency = "USD"


class BidWorkerSettings(ProcessSettings):
    """`gavel bid-worker`."""

    bid_db_url: DatabaseUrl
    admin_port: int = 9091
