"""The read side's settings."""

from pydantic import AmqpDsn

from gavel.runtime.http_settings import AdminSettings, HttpSettings, Port
from gavel.runtime.settings import DatabaseUrl, ProcessSettings


class StatsDatabaseSettings(ProcessSettings):
    """`gavel migrate stats`."""

    stats_db_url: DatabaseUrl


class DeadLetterSettings(StatsDatabaseSettings):
    """`gavel dead-letters`."""

    rabbitmq_url: AmqpDsn


class StatsApiSettings(HttpSettings):
    """`gavel stats-api`."""

    stats_db_url: DatabaseUrl
    http_port: Port = 8081
    admin_port: Port = 9092


class StatsWorkerSettings(AdminSettings):
    """`gavel stats-worker`."""

    stats_db_url: DatabaseUrl
    rabbitmq_url: AmqpDsn
    admin_port: Port = 9093
