"""compose.yaml: every setting is one that its process takes, and everything waits for what it needs."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from pydantic import BaseModel

from gavel.bids.settings import BidApiSettings, BidMigrationSettings, BidWorkerSettings
from gavel.runtime.process.settings import load_settings
from gavel.runtime.run_process import STOP_SECONDS_MAX
from gavel.userstats.settings import StatsApiSettings, StatsMigrationSettings, StatsWorkerSettings
from tests.e2e.gavel_process import environment
from tests.house.tree import ROOT
from tests.proxies import DEAD_PROXY
from tests.servers.containers import IMAGES

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SETTINGS: dict[str, type[BaseModel]] = {
    "bid-api": BidApiSettings,
    "bid-worker": BidWorkerSettings,
    "stats-api": StatsApiSettings,
    "stats-worker": StatsWorkerSettings,
    "migrate bids": BidMigrationSettings,
    "migrate stats": StatsMigrationSettings,
}
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "gavel"}
SERVERS = {name: service for name, service in SERVICES.items() if service["image"] != "gavel"}


def test_it_runs_the_four_processes_and_both_migrations() -> None:
    assert {" ".join(service["command"]) for service in OURS.values()} == SETTINGS.keys()


@pytest.mark.parametrize("name", OURS)
def test_each_process_takes_its_settings_and_every_one_is_known_to_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, str] = OURS[name]["environment"]
    kind = SETTINGS[" ".join(OURS[name]["command"])]
    for variable in os.environ.keys() - environment().keys():
        monkeypatch.delenv(variable)
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    load_settings(kind)
    assert {variable.lower() for variable in given} <= kind.model_fields.keys()


@pytest.mark.parametrize("name", ["bid-api", "stats-api"])
def test_an_api_is_called_by_its_own_names_alone(name: str) -> None:
    given: dict[str, str] = OURS[name]["environment"]
    assert given["AUTH_MODE"] == "trusted"
    assert given["HTTP_ALLOWED_HOSTS"].split() == ["bid-api", "stats-api"]


@pytest.mark.parametrize("name", OURS)
def test_each_url_leads_to_a_server_of_the_file_with_its_own_password(name: str) -> None:
    given: dict[str, str] = OURS[name]["environment"]
    urls = {variable: value for variable, value in given.items() if variable.endswith("_URL")}
    assert urls
    for variable, value in urls.items():
        parts = urlsplit(value)
        server = SERVERS[str(parts.hostname)].get("environment", {})
        if variable.endswith("_DB_URL"):
            assert (parts.password, parts.path.strip("/")) == (server["POSTGRES_PASSWORD"], server["POSTGRES_DB"])
        elif parts.scheme == "amqp":
            made = (server["RABBITMQ_DEFAULT_USER"], server["RABBITMQ_DEFAULT_PASS"])
            assert (parts.username, parts.password) == made


def _database_user(name: str) -> str | None:
    (url,) = [value for variable, value in OURS[name]["environment"].items() if variable.endswith("_DB_URL")]
    return urlsplit(str(url)).username


@pytest.mark.parametrize("side", ["bids", "stats"])
def test_only_the_migration_comes_as_the_owner_and_the_processes_as_the_role_that_it_grants_to(side: str) -> None:
    server = SERVERS["bid-db" if side == "bids" else "stats-db"]
    assert _database_user(f"migrate-{side}") == server["environment"]["POSTGRES_USER"]
    role = OURS[f"migrate-{side}"]["environment"]["GRANT_TO"]
    processes = ("bid-api", "bid-worker") if side == "bids" else ("stats-api", "stats-worker")
    assert [_database_user(name) for name in processes] == [role, role]
    assert role != server["environment"]["POSTGRES_USER"]
    (script,) = [each for each in server["configs"] if each["target"].startswith("/docker-entrypoint-initdb.d/")]
    assert f"CREATE ROLE {role} LOGIN" in COMPOSE["configs"][script["source"]]["content"]


def test_no_log_of_a_postgres_quotes_what_is_hidden() -> None:
    quiet = {"log_error_verbosity=terse", "log_parameter_max_length=0", "log_parameter_max_length_on_error=0"}
    for name in ("bid-db", "stats-db"):
        assert SERVERS[name]["command"][0] == "postgres"
        assert set(SERVERS[name]["command"][1:]) == {"-c"} | quiet


def test_whatever_compose_waits_for_exists_and_has_a_health_check() -> None:
    for service in OURS.values():
        for needed, wait in service["depends_on"].items():
            if wait["condition"] == "service_healthy":
                assert SERVICES[needed]["healthcheck"]["test"]
            else:
                assert wait["condition"] == "service_completed_successfully"
                assert OURS[needed]["command"][0] == "migrate"


def test_health_checks_ask_for_no_newer_engine_than_compose_does() -> None:
    checks = [service["healthcheck"] for service in SERVICES.values() if "healthcheck" in service]
    assert len(checks) == 8
    # Docker Engine 25 knows more, and older ones refuse the file.
    assert {option for check in checks for option in check} == {
        "test",
        "interval",
        "timeout",
        "retries",
        "start_period",
    }


def test_the_cache_lets_the_other_containers_in_whatever_its_image_would_do() -> None:
    command = SERVICES["redis"]["command"]
    assert command[command.index("--protected-mode") + 1] == "no"
    assert "ports" not in SERVICES["redis"]


def test_every_process_waits_for_the_schema_that_it_reads() -> None:
    for name in ("bid-api", "bid-worker"):
        assert "migrate-bids" in OURS[name]["depends_on"]
    for name in ("stats-api", "stats-worker"):
        assert "migrate-stats" in OURS[name]["depends_on"]


def test_servers_are_those_of_the_charts_and_of_the_tests_pinned_to_a_version() -> None:
    charts = yaml.safe_load((ROOT / "deploy/charts/infra/values.yaml").read_text(encoding="utf-8"))
    of_charts = {charts[server]["image"] for server in ("postgres", "rabbitmq", "redis")}
    assert {service["image"] for service in SERVERS.values()} == of_charts
    assert set(IMAGES.values()) == of_charts
    assert all(image.partition(":")[2] not in ("", "latest") for image in of_charts)


def test_only_this_machine_reaches_what_is_published_on_the_documented_ports() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    # As `make up` has them, so that scripts/verify-deployment.sh finds all of it.
    assert published == {
        "bid-api": ["127.0.0.1:8080:8080", "127.0.0.1:9090:9090"],
        "bid-worker": ["127.0.0.1:9091:9090"],
        "stats-api": ["127.0.0.1:8081:8080", "127.0.0.1:9092:9090"],
        "stats-worker": ["127.0.0.1:9093:9090"],
    }


def test_a_process_may_do_little_and_is_given_the_time_to_drain() -> None:
    for name, service in OURS.items():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
        if service["command"][0] != "migrate":
            assert float(service["stop_grace_period"].removesuffix("s")) > STOP_SECONDS_MAX


def test_the_image_is_the_one_that_is_deployed() -> None:
    builds = {(service["build"]["context"], service["build"]["dockerfile"]) for service in OURS.values()}
    assert builds == {(".", "deploy/Dockerfile")}
    assert (ROOT / "deploy/Dockerfile").is_file()


@pytest.mark.parametrize("name", ["bid-db", "stats-db"])
def test_what_a_database_reads_at_its_first_start_does_not_depend_on_the_umask_of_the_clone(name: str) -> None:
    mounted = [mount for mount in SERVERS[name]["volumes"] if mount.startswith((".", "/"))]
    assert mounted == []
    assert all(
        each["mode"] == 0o444 and "content" in COMPOSE["configs"][each["source"]] for each in SERVERS[name]["configs"]
    )


@pytest.mark.parametrize(("answer", "exit_status"), [(200, 0), (503, 1)])
def test_a_health_check_asks_its_own_process_and_no_proxy(answer: int, exit_status: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answer if self.path == "/readyz" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has there
            """Say nothing."""

    checks = {name: OURS[name]["healthcheck"]["test"] for name in OURS if OURS[name]["command"][0] != "migrate"}
    assert len(checks) == 4
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, (kind, python, *arguments) in checks.items():
            assert (kind, python) == ("CMD", "python")
            here = [each.replace("9090", str(server.server_port)) for each in arguments]
            done = subprocess.run(
                [sys.executable, *here], env=os.environ | DEAD_PROXY, capture_output=True, check=False
            )
            assert done.returncode == exit_status, (name, done.stderr)
        server.shutdown()
