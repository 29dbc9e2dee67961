"""Containers for the tests: whether the Docker engine can run an image, and the container of each server."""

import gc
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from testcontainers.community.postgres import PostgresContainer
    from testcontainers.core.container import DockerContainer

# Those that deploy/charts/infra and compose.yaml run.
POSTGRES_IMAGE = "postgres:16.14"
RABBITMQ_IMAGE = "rabbitmq:4.3"
REDIS_IMAGE = "valkey/valkey:9.0"
AMQP_PORT = 5672
REDIS_PORT = 6379
IMAGES = {"Postgres": POSTGRES_IMAGE, "RabbitMQ": RABBITMQ_IMAGE, "Redis": REDIS_IMAGE}
ANSWER_SECONDS_MAX = 10
# Between two pieces of an image that is pulled.
PULL_SECONDS_MAX = 60


@cache
def why_no_container(image: str) -> str | None:
    """Return None where an engine answers and has the image, or pulls it now; else the reason in a few words.

    The engine is asked by the library that runs the containers: DOCKER_HOST, Docker's context and
    ~/.testcontainers.properties name it. Ryuk's image is needed too, unless TESTCONTAINERS_RYUK_DISABLED is set.
    """
    from testcontainers.core.config import testcontainers_config as config

    with warnings.catch_warnings():
        # The library leaves a socket that did not connect to the garbage collector, which warns of it.
        warnings.simplefilter("ignore", ResourceWarning)
        engine = _engine()
        gc.collect()
    if engine is None:
        return "no Docker engine answers"
    try:
        reason = None if config.ryuk_disabled else _why_no_image(engine, config.ryuk_image)
        if reason is not None:
            return f"{reason}; TESTCONTAINERS_RYUK_DISABLED=true does without it"
        return _why_no_image(engine, config.hub_image_name_prefix + image)
    finally:
        engine.close()


def _engine() -> Any:
    """Return a client of the engine, None where none answers."""
    from docker.errors import DockerException
    from testcontainers.core.docker_client import DockerClient

    try:
        engine: Any = DockerClient(timeout=ANSWER_SECONDS_MAX).client
    except DockerException:
        return None
    engine.api.timeout = PULL_SECONDS_MAX
    return engine


def _why_no_image(engine: Any, image: str) -> str | None:
    from docker.errors import DockerException, ImageNotFound
    from requests.exceptions import RequestException

    try:
        engine.images.get(image)
    except ImageNotFound:
        try:
            engine.images.pull(image)
        except (DockerException, RequestException) as error:
            text = getattr(error, "explanation", None) or error
            return f"the Docker engine has no image {image} and can't pull it: {text}"
    except (DockerException, RequestException) as error:
        return f"the Docker engine does not tell about the image {image}: {error}"
    return None


def postgres_container() -> "PostgresContainer":
    """Return a Postgres, not started."""
    from testcontainers.community.postgres import PostgresContainer

    return PostgresContainer(POSTGRES_IMAGE, driver=None).with_command("postgres -c log_error_verbosity=terse")


def rabbitmq_container(port: int) -> "DockerContainer":
    """Return a RabbitMQ on one port of the engine's machine, which it keeps when it is stopped and started again."""
    return _container(RABBITMQ_IMAGE, AMQP_PORT, port)


def redis_container(port: int) -> "DockerContainer":
    """Return a Redis on one port of the engine's machine, which it keeps when it is stopped and started again."""
    return _container(REDIS_IMAGE, REDIS_PORT, port).with_command("valkey-server --protected-mode no")


def host_of(container: "DockerContainer") -> str:
    """Return where a container's ports are: another machine where the engine is on one."""
    host = container.get_container_host_ip()
    # As a number: some engines open no port of ::1, which "localhost" may mean.
    return "127.0.0.1" if host == "localhost" else host


def _container(image: str, inner_port: int, port: int) -> "DockerContainer":
    from testcontainers.core.container import DockerContainer

    return DockerContainer(image).with_bind_ports(inner_port, port)
