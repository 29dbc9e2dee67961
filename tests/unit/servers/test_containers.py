"""Containers of the suite without an engine: a library that deprecates what we use fails here, in any CI."""

import os
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.proxies import forget_proxies
from tests.servers import containers
from tests.servers.containers import POSTGRES_IMAGE, REDIS_IMAGE, why_no_container
from tests.unit.servers.stub_engine import REFUSAL, StubEngine, stub_engine

DEAD_PROXY = "http://127.0.0.1:9"
PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Generator[pytest.MonkeyPatch]:
    """Nothing of the engine that this run uses, and nothing that was found out about it."""
    for name in ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("testcontainers.core.config.testcontainers_config._ryuk_disabled", True)
    why_no_container.cache_clear()
    yield monkeypatch
    why_no_container.cache_clear()


@pytest.fixture
def engine(environment: pytest.MonkeyPatch) -> Generator[StubEngine]:
    """An engine on a Unix socket that has Postgres alone, and which the environment names."""
    # Not in the TMPDIR, whose path may be longer than that of a socket may be.
    with (
        TemporaryDirectory(prefix="gavel-tests-", dir="/tmp") as folder,
        stub_engine([POSTGRES_IMAGE], Path(folder) / "s") as stub,
    ):
        environment.setenv("DOCKER_HOST", stub.host)
        yield stub


def test_each_container_of_the_suite_is_made_without_a_deprecated_call(engine: StubEngine) -> None:
    postgres, rabbitmq, redis = (
        containers.postgres_container(),
        containers.rabbitmq_container(20_001),
        containers.redis_container(20_002),
    )
    assert [each.image for each in (postgres, rabbitmq, redis)] == [
        containers.POSTGRES_IMAGE,
        containers.RABBITMQ_IMAGE,
        containers.REDIS_IMAGE,
    ]
    assert (rabbitmq.ports, redis.ports) == ({"5672": 20_001}, {"6379": 20_002})
    for each in (postgres, rabbitmq, redis):
        each.get_docker_client().client.close()


def test_an_engine_that_has_an_image_runs_it(engine: StubEngine) -> None:
    assert why_no_container(POSTGRES_IMAGE) is None


def test_an_engine_that_can_not_pull_an_image_is_not_used_for_it_and_the_reason_is_named(engine: StubEngine) -> None:
    assert why_no_container(REDIS_IMAGE) == f"the Docker engine has no image {REDIS_IMAGE} and can't pull it: {REFUSAL}"


def test_without_the_image_of_ryuk_the_reason_names_the_setting_that_does_without_it(
    engine: StubEngine, environment: pytest.MonkeyPatch
) -> None:
    environment.setattr("testcontainers.core.config.testcontainers_config._ryuk_disabled", False)
    assert "TESTCONTAINERS_RYUK_DISABLED=true" in (why_no_container(POSTGRES_IMAGE) or "")


def test_no_engine_is_the_reason_where_nothing_answers(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    assert why_no_container(POSTGRES_IMAGE) == "no Docker engine answers"


@pytest.mark.parametrize("on", ["a Unix socket", "the loopback"])
def test_no_proxy_is_asked_for_an_engine_of_this_machine(environment: pytest.MonkeyPatch, on: str) -> None:
    for name in PROXIES:
        environment.setenv(name, DEAD_PROXY)
    for name in ("NO_PROXY", "no_proxy"):
        environment.setenv(name, "registry.example")
    with TemporaryDirectory(prefix="gavel-tests-", dir="/tmp") as folder:
        with stub_engine([POSTGRES_IMAGE], None if on == "the loopback" else Path(folder) / "s") as engine:
            environment.setenv("DOCKER_HOST", engine.host)
            forget_proxies(os.environ)
            assert why_no_container(POSTGRES_IMAGE) is None
        assert any(path.endswith("/version") for path in engine.paths)
