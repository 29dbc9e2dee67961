"""The read side's settings."""

from pydantic import AmqpDsn

from gavel.runtime.http.settings import AdminSettings, HttpSettings, Port
from gavel.runtime.process.settings import DatabaseUrl, ProcessSettings, RoleNames


class StatsDatabaseSettings(ProcessSettings):
    """What operators do by hand."""

    stats_db_url: DatabaseUrl


class StatsMigrationSettings(StatsDatabaseSettings):
    """`gavel migrate stats`, as the schema's owner; the processes' role gets what they need of it."""

    grant_to: RoleNames = ()


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
