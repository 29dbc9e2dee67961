"""RabbitMQ refuses: the error and the readiness details say why and what to do, without the password."""

from collections.abc import Generator
from urllib.parse import urlsplit, urlunsplit

import pytest
from aio_pika.abc import AbstractChannel

from gavel.runtime.rabbitmq.connection import BrokerAway, BrokerLink
from tests.servers.rabbitmq import RabbitMqServer

pytestmark = pytest.mark.integration

PASSWORD = "s3cret-password"
USER = "poor"


@pytest.fixture
def poor(own_rabbitmq_server: RabbitMqServer) -> Generator[RabbitMqServer]:
    """A server with a user who may do nothing on the usual virtual host."""
    own_rabbitmq_server.control("add_user", USER, PASSWORD)
    own_rabbitmq_server.control("set_permissions", "-p", "/", USER, "", "", "")
    yield own_rabbitmq_server
    own_rabbitmq_server.control("delete_user", USER)


async def _told(server: RabbitMqServer, user: str, password: str, path: str = "/") -> str:
    """The text of the readiness details and of the error."""
    parts = urlsplit(server.url)
    netloc = f"{user}:{password}@{parts.netloc.rpartition('@')[2]}"
    link = BrokerLink(urlunsplit(parts._replace(netloc=netloc, path=path)), "tests", _declare)
    problem = await link.problem() or ""
    with pytest.raises(BrokerAway) as raised:
        await link.run(_declare, 5)
    await link.close()
    assert str(raised.value) == problem
    assert password not in problem
    return problem


async def _declare(channel: AbstractChannel) -> None:
    await channel.declare_queue("tests.refusals", auto_delete=True)


@pytest.mark.parametrize("user", [USER, "nobody"])
async def test_a_login_that_is_refused_is_named(poor: RabbitMqServer, user: str) -> None:
    assert await _told(poor, user, f"{PASSWORD}-wrong") == (
        "RabbitMQ refuses the login (ACCESS_REFUSED): correct user and password in RABBITMQ_URL"
    )


@pytest.mark.parametrize("what", ["there is none", "no right to it"])
async def test_a_virtual_host_that_is_refused_is_named(poor: RabbitMqServer, what: str) -> None:
    if what == "no right to it":
        poor.control("clear_permissions", "-p", "/", USER)
    said = await _told(poor, USER, PASSWORD, "/none" if what == "there is none" else "/")
    assert said.startswith("RabbitMQ refuses the virtual host: ")
    assert "RABBITMQ_URL" in said
    assert "set_permissions" in said


async def test_a_right_that_a_user_lacks_is_named(poor: RabbitMqServer) -> None:
    said = await _told(poor, USER, PASSWORD)
    assert said.startswith("RabbitMQ: the user lacks a right: give it with rabbitmqctl set_permissions (ACCESS_REFUSED")
    assert "'tests.refusals'" in said
