"""What docs/DEPLOYMENT.md says to make is what the charts and the servers of production use."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest

from tests.deploy.rendered import CHARTS, ROOT, Thing, installation, of_kind, render
from tests.deploy.test_production import PRODUCTION, load

PAGE = (ROOT / "docs" / "DEPLOYMENT.md").read_text(encoding="utf-8")
MADE_BY_COMMAND = re.compile(r"create secret generic ([\w-]+)((?: \\\n +--from-literal=.*?(?= \\\n|\n))+)")
KEY = re.compile(r'--from-literal=(\w+)="')
URL = re.compile(r'--from-literal=\w+="(\w+)://\w+:\$\w+@([\w.-]+):(\d+)/')
VALUE = re.compile(r"`([a-z]\w+(?:\.\w+)+)")
OURS = ("bid-service", "user-stats-service", "web", "observability")
# The ports at which a server speaks so; a cache has TLS on the same one, or on any.
PORTS = {"postgresql": 5432, "amqp": 5672, "amqps": 5671, "rediss": 6379}


@pytest.fixture(scope="module")
def production() -> list[Thing]:
    """The charts as in production, the servers, and what is run now and then."""
    return installation("production") + [thing for path in sorted(PRODUCTION.glob("*.yaml")) for thing in load(path)]


def parts(thing: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in an object, itself included."""
    if isinstance(thing, dict):
        mapping = cast("Thing", thing)
        yield mapping
        yield from parts(list(mapping.values()))
    elif isinstance(thing, list):
        for part in cast("list[Any]", thing):
            yield from parts(part)


def keys_taken(things: list[Thing]) -> dict[str, set[str]]:
    """What is taken from each Secret."""
    taken: dict[str, set[str]] = {}
    for part in (part for thing in things for part in parts(thing)):
        references = [part["secretKeyRef"]] if "secretKeyRef" in part else part.get("secretTargetRef", [])
        for reference in references:
            taken.setdefault(reference["name"], set()).add(reference["key"])
    return taken


def rules_to(things: list[Thing], host: str) -> list[Thing]:
    """What the policies of production say of the way to a host of the page."""
    service = host.partition(".")[0]
    peers: list[Thing] = [
        {"podSelector": {"matchLabels": {"cnpg.io/cluster": service.removesuffix("-rw")}}},
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": service}}},
    ]
    rules = [rule for policy in of_kind(things, "NetworkPolicy") for rule in policy["spec"].get("egress", [])]
    if service == "cache":
        return [
            rule for rule in rules if any(peer.get("ipBlock", {}).get("cidr") == "10.20.0.0/24" for peer in rule["to"])
        ]
    return [rule for rule in rules if any(peer in peers for peer in rule["to"])]


def test_each_secret_of_urls_has_the_keys_that_are_taken_from_it(production: list[Thing]) -> None:
    made = {name: set(KEY.findall(rest)) for name, rest in MADE_BY_COMMAND.findall(PAGE)}
    assert made.keys() == {"bid-service", "user-stats-service"}
    assert made == keys_taken(production)


def test_each_url_leads_where_the_policies_let_it(production: list[Thing]) -> None:
    urls = URL.findall(PAGE)
    assert len(urls) == 6
    for scheme, host, port in urls:
        assert PORTS[scheme] == int(port), host
        rules = rules_to(production, host)
        assert rules, host
        assert {each["port"] for rule in rules for each in rule["ports"]} == {int(port)}, host


def test_every_secret_that_a_chart_names_is_documented(production: list[Thing]) -> None:
    named = keys_taken(production).keys() | {
        name
        for part in (part for thing in production for part in parts(thing))
        for name in (
            part.get("passwordSecret", {}).get("name"),
            *(each["name"] for each in part.get("imagePullSecrets", [])),
            *(each["name"] for each in part.get("s3Credentials", {}).values()),
            *(each["secretName"] for each in part.get("tls", [])),
        )
    }
    assert len(named - {None}) == 8
    assert [name for name in named - {None} if f"`{name}`" not in PAGE] == []


def test_the_hosts_of_the_databases_are_the_services_of_their_clusters(production: list[Thing]) -> None:
    clusters = {each["metadata"]["name"] for each in of_kind(production, "Cluster")}
    assert {host for scheme, host, _ in URL.findall(PAGE) if scheme == "postgresql"} == {
        f"{each}-rw" for each in clusters
    }
    assert set(re.findall(r"\$\(uri ([\w-]+)\)", PAGE)) == {f"{each}-app" for each in clusters}


def test_each_value_that_the_page_names_is_one_of_the_charts() -> None:
    schemas = [json.loads((CHARTS / chart / "values.schema.json").read_text(encoding="utf-8")) for chart in OURS]
    roots = {root for schema in schemas for root in schema["properties"]}
    named = {path for path in VALUE.findall(PAGE) if path.partition(".")[0] in roots}
    assert len(named) > 15
    assert [path for path in sorted(named) if not any(has(schema, path.split(".")) for schema in schemas)] == []


def has(schema: Thing, path: list[str]) -> bool:
    """Whether there is such a value, or a mapping in which it may be."""
    for part in path:
        if part in schema.get("properties", {}):
            schema = schema["properties"][part]
        elif schema.get("additionalProperties", False) is not False:
            schema = schema["additionalProperties"]
        else:
            return False
    return True


def test_a_role_that_takes_over_gets_what_it_needs_beside_the_one_that_it_replaces() -> None:
    (roles,) = re.findall(r"set `migrate.grantTo` to `\[(.+?)\]`", PAGE)
    listed = roles.replace(" ", "")
    values = ("--values", str(CHARTS / "bid-service" / "values-production.yaml"))
    jobs = of_kind(render("bid-service", *values, "--set", f"migrate.grantTo={{{listed}}}"), "Job")
    granted = [
        each["value"]
        for job in jobs
        for each in job["spec"]["template"]["spec"]["containers"][0].get("env", [])
        if each["name"] == "GRANT_TO"
    ]
    assert granted == [listed]


def test_the_page_ends_with_what_ran_for_real_and_what_did_not() -> None:
    last = PAGE.rstrip().rpartition("\n\n")[2]
    assert last.startswith("**Run for real**")
    assert "**Not run**" in last
