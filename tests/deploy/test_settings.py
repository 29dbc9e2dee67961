"""Every process gets each setting that it needs, and none that it does not know."""

import json
import re
from urllib.parse import urlsplit

import pytest

from gavel.bids.settings import BidApiSettings, BidMigrationSettings, BidWorkerSettings
from gavel.runtime.process.settings import ProcessSettings
from gavel.userstats.settings import StatsApiSettings, StatsMigrationSettings, StatsWorkerSettings
from tests.deploy.rendered import INSTALLATIONS, Thing, containers, installation, of_kind

SETTINGS: dict[tuple[str, ...], type[ProcessSettings]] = {
    ("bid-api",): BidApiSettings,
    ("bid-worker",): BidWorkerSettings,
    ("stats-api",): StatsApiSettings,
    ("stats-worker",): StatsWorkerSettings,
    ("migrate", "bids"): BidMigrationSettings,
    ("migrate", "stats"): StatsMigrationSettings,
}


def given(things: list[Thing], command: tuple[str, ...]) -> dict[str, str | None]:
    """What a process is given; None where the value is a secret's."""
    (container,) = [each for _, each in containers(things) if tuple(each.get("args", ())) == command]
    maps = {thing["metadata"]["name"]: thing["data"] for thing in of_kind(things, "ConfigMap")}
    plain = [maps[source["configMapRef"]["name"]] for source in container.get("envFrom", [])]
    return {name: value for data in plain for name, value in data.items()} | {
        each["name"]: each.get("value") for each in container["env"]
    }


@pytest.mark.parametrize("command", list(SETTINGS), ids=" ".join)
def test_a_process_knows_each_setting_that_it_is_given(things: list[Thing], command: tuple[str, ...]) -> None:
    known = {name.upper() for name in SETTINGS[command].model_fields}
    assert given(things, command).keys() - known == set()


@pytest.mark.parametrize("command", list(SETTINGS), ids=" ".join)
def test_a_process_is_given_each_setting_that_it_needs(things: list[Thing], command: tuple[str, ...]) -> None:
    needed = {name.upper() for name, field in SETTINGS[command].model_fields.items() if field.is_required()}
    assert needed - given(things, command).keys() == set()


@pytest.mark.parametrize("command", list(SETTINGS), ids=" ".join)
@pytest.mark.parametrize("name", INSTALLATIONS)
def test_a_process_takes_the_settings_that_it_is_given(
    monkeypatch: pytest.MonkeyPatch, name: str, command: tuple[str, ...]
) -> None:
    secrets = {
        "BID_DB_URL": "postgresql://u:p@bids:5432/bid_db",
        "RABBITMQ_URL": "amqp://u:p@rabbitmq:5672/",
        "REDIS_URL": "redis://redis:6379/0",
        "STATS_DB_URL": "postgresql://u:p@stats:5432/stats_db",
    }
    for variable in {field.upper() for field in SETTINGS[command].model_fields}:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in given(installation(name), command).items():
        monkeypatch.setenv(variable, secrets[variable] if value is None else value)
    settings = SETTINGS[command]().model_dump()
    if "http_host" in settings:
        assert settings["http_host"] == "0.0.0.0"


def test_secrets_come_from_a_secret_and_nothing_else_does(things: list[Thing]) -> None:
    for name, container in containers(things):
        for each in container.get("env", []):
            secret = each["name"].endswith(("_URL", "PASSWORD", "_PASS")) and not each["name"].startswith("JWT_")
            assert ("secretKeyRef" in each.get("valueFrom", {})) == secret, f"{name} {each['name']}"
    for thing in of_kind(things, "ConfigMap"):
        assert "://" not in "".join(
            value for key, value in thing["data"].items() if key.endswith("_URL") and not key.startswith("JWT_")
        )


def test_only_the_development_servers_bring_passwords() -> None:
    assert [thing["metadata"]["name"] for thing in of_kind(installation("development"), "Secret")] == [
        "infra-development"
    ]
    assert of_kind(installation("production"), "Secret") == []


def test_the_development_secret_has_what_the_processes_take_from_it() -> None:
    things = installation("development")
    (secret,) = of_kind(things, "Secret")
    taken = {
        each["valueFrom"]["secretKeyRef"]["key"]
        for _, container in containers(things)
        for each in container.get("env", [])
        if "valueFrom" in each
    }
    assert taken == secret["stringData"].keys() - (set() if "REDIS_URL" in taken else {"REDIS_URL"})


@pytest.mark.parametrize(("side", "variable"), [("bids", "BID_DB_URL"), ("stats", "STATS_DB_URL")])
@pytest.mark.parametrize("name", INSTALLATIONS)
def test_only_the_migration_comes_to_a_database_as_its_owner(name: str, side: str, variable: str) -> None:
    things = installation(name)
    keys: dict[str, set[str]] = {"migrate": set(), "process": set()}
    for _, container in containers(things):
        for each in container.get("env", []):
            if each["name"] == variable:
                kind = "migrate" if container["args"][0] == "migrate" else "process"
                keys[kind].add(each["valueFrom"]["secretKeyRef"]["key"])
    assert keys == {"migrate": {variable.replace("_URL", "_OWNER_URL")}, "process": {variable}}
    assert given(things, ("migrate", side))["GRANT_TO"] == f"gavel_{side}"


def test_the_development_server_makes_each_role_that_the_secret_names() -> None:
    things = installation("development")
    (secret,) = of_kind(things, "Secret")
    roles = {urlsplit(str(secret["stringData"][variable])).username for variable in ("BID_DB_URL", "STATS_DB_URL")}
    (scripts,) = [thing["data"] for thing in of_kind(things, "ConfigMap") if thing["metadata"]["name"] == "postgres"]
    assert set(re.findall(r"CREATE ROLE (\w+) LOGIN", scripts["roles.sh"])) == roles


def test_in_production_the_api_and_the_pages_server_serve_the_same_page_json(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    things = installation("production")
    (written,) = [each for each in of_kind(things, "ConfigMap") if each["metadata"]["name"] == "web-page"]
    for variable, value in given(things, ("bid-api",)).items():
        monkeypatch.setenv(variable, "postgresql://u:p@bids:5432/bid_db" if variable == "BID_DB_URL" else value or "")
    settings = SETTINGS["bid-api",]()
    assert isinstance(settings, BidApiSettings)
    assert settings.page() == json.loads(written["data"]["page.json"])
