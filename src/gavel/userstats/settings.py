"""The read side's settings."""

from typing import Annotated

from pydantic import Field, PostgresDsn

from gavel.runtime.http_settings import HttpSettings
from gavel.runtime.settings import ProcessSettings

DatabaseUrl = Annotated[PostgresDsn, Field(description="postgresql://user:password@host:port/database")]


class StatsApiSettings(HttpSettings):
    """`gavel stats-api`."""

    stats_db_url: DatabaseUrl
    http_port: int = 8081
    admin_port: int = 9092


class StatsWorkerSettings(ProcessSettings):
    """`gavel stats-worker`."""

    stats_db_url: DatabaseUrl
    admin_port: int = 9093
