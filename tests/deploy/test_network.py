"""Who may talk to whom: what is needed, and nothing else. The policies are read as a cluster reads them."""

import json
from itertools import product

import pytest

from tests.deploy.rendered import (
    CHARTS,
    Thing,
    installation,
    labels_of,
    named,
    of_kind,
    pod_of,
    render,
    selects,
    workloads,
)

# Peers that are no pod of an installation: the ingress controllers, Prometheus, and names.
OUTSIDE: dict[str, Thing] = {
    "nginx-ingress": {"kubernetes.io/metadata.name": "nginx-ingress"},
    "ingress-nginx": {"kubernetes.io/metadata.name": "ingress-nginx"},
    "monitoring": {"kubernetes.io/metadata.name": "monitoring"},
    "anywhere": {"kubernetes.io/metadata.name": "default"},
}
HERE = {"kubernetes.io/metadata.name": "gavel"}
# Who is called on which port: the two APIs and the page from outside, every process for its metrics.
CALLED_FROM_OUTSIDE = {("bid-service-api", "http"), ("user-stats-service-api", "http"), ("web-page", "http")}
WATCHED = {
    (f"{chart}-{role}", "admin") for chart in ("bid-service", "user-stats-service") for role in ("api", "worker")
}
CALLS_FROM_OUTSIDE = {
    "nginx-ingress": CALLED_FROM_OUTSIDE,
    "ingress-nginx": CALLED_FROM_OUTSIDE,
    "monitoring": WATCHED,
    "anywhere": set[tuple[str, str]](),
}
# Which server a setting leads to.
SERVERS = {"BID_DB_URL": "postgres", "STATS_DB_URL": "postgres", "RABBITMQ_URL": "rabbitmq", "REDIS_URL": "redis"}


def needed_by(workload: Thing) -> set[tuple[str, str]]:
    """What a workload's pods have to reach: the servers and services whose URLs they are given."""
    containers = pod_of(workload)["containers"]
    given = {each["name"] for container in containers for each in container.get("env", [])}
    called = {argument for container in containers for argument in container.get("args", []) if "://" in argument}
    return {(SERVERS[name], SERVERS[name]) for name in given & SERVERS.keys()} | {
        (url.partition("://")[2], "http") for url in called
    }


@pytest.fixture(scope="module")
def development() -> list[Thing]:
    """The one installation that has its servers beside it."""
    return installation("development")


def ports_of(workload: Thing) -> dict[str, int]:
    """The ports of a workload's pods, by name."""
    return {
        port["name"]: port["containerPort"]
        for container in pod_of(workload)["containers"]
        for port in container.get("ports", [])
    }


def policies_on(things: list[Thing], labels: dict[str, str]) -> list[Thing]:
    """The policies that hold for pods with these labels."""
    return [each["spec"] for each in of_kind(things, "NetworkPolicy") if selects(each["spec"]["podSelector"], labels)]


def is_peer(peer: Thing, namespace: Thing, labels: dict[str, str] | None) -> bool:
    """Whether a policy's peer means pods with these labels in this namespace; None: any pods, of another namespace."""
    if "ipBlock" in peer:
        return False
    in_namespace = selects(peer["namespaceSelector"], namespace) if "namespaceSelector" in peer else namespace == HERE
    if "podSelector" not in peer:
        return in_namespace
    return in_namespace and labels is not None and selects(peer["podSelector"], labels)


def allows(rules: list[Thing], side: str, peer: tuple[Thing, dict[str, str] | None], port: tuple[str, int]) -> bool:
    """Whether one of the rules lets the peer through to the port."""
    return any(
        any(is_peer(each, *peer) for each in rule[side]) and any(each["port"] in port for each in rule["ports"])
        for rule in rules
    )


def may_talk(things: list[Thing], client: str, server: Thing, port: tuple[str, int]) -> bool:
    """Whether the client may leave for the port, and the server lets it in."""
    clients = {each["metadata"]["name"]: labels_of(each) for each in workloads(things)}
    out, peer = True, (OUTSIDE.get(client, HERE), clients.get(client))
    if client in clients:
        policies = policies_on(things, clients[client])
        out = not policies or any(
            allows(each.get("egress", []), "to", (HERE, labels_of(server)), port) for each in policies
        )
    policies = policies_on(things, labels_of(server))
    return out and (not policies or any(allows(each.get("ingress", []), "from", peer, port) for each in policies))


def test_each_pair_may_talk_exactly_where_it_needs_to(development: list[Thing]) -> None:
    needed = CALLS_FROM_OUTSIDE | {each["metadata"]["name"]: needed_by(each) for each in workloads(development)}
    assert sum(map(len, needed.values())) > 10
    found = {client: set[tuple[str, str]]() for client in needed}
    for client, server in product(needed, workloads(development)):
        for name, number in ports_of(server).items():
            if may_talk(development, client, server, (name, number)):
                found[client].add((server["metadata"]["name"], name))
    assert found == needed


def test_nothing_is_without_a_policy(things: list[Thing]) -> None:
    for workload in workloads(things):
        policies = policies_on(things, labels_of(workload))
        assert policies, named(workload)
        assert all(set(each["policyTypes"]) == {"Ingress", "Egress"} for each in policies), named(workload)


def test_only_pods_that_resolve_names_may_reach_the_name_server(things: list[Thing]) -> None:
    dns = {"kubernetes.io/metadata.name": "kube-system"}, {"k8s-app": "kube-dns"}
    for workload in workloads(things):
        policies = policies_on(things, labels_of(workload))
        asks = any(allows(each.get("egress", []), "to", dns, ("dns", 53)) for each in policies)
        assert asks == bool(needed_by(workload)), named(workload)


@pytest.mark.parametrize("chart", ["bid-service", "user-stats-service"])
def test_the_name_server_is_the_clusters_own_or_another_one(chart: str) -> None:
    values = ("--values", str(CHARTS / chart / "values-production.yaml"))
    dns = ("--set-json", 'networkPolicy.dns={"port":5353,"peers":[{"ipBlock":{"cidr":"169.254.20.10/32"}}]}')
    policies = [each for each in of_kind(render(chart, *values, *dns), "NetworkPolicy") if each["spec"].get("egress")]
    assert policies
    for policy in policies:
        first = policy["spec"]["egress"][0]
        assert first["to"] == [{"ipBlock": {"cidr": "169.254.20.10/32"}}], named(policy)
        assert {(each["port"], each["protocol"]) for each in first["ports"]} == {(5353, "UDP"), (5353, "TCP")}


@pytest.mark.parametrize("role", ["api", "worker", "migrate"])
@pytest.mark.parametrize("chart", ["bid-service", "user-stats-service"])
def test_each_role_may_be_given_more_ways_in_and_out_and_no_other_gets_them(chart: str, role: str) -> None:
    values = ("--values", str(CHARTS / chart / "values-production.yaml"))
    peers, ports = [{"ipBlock": {"cidr": "10.9.9.9/32"}}], [{"port": 9999}]
    more = json.dumps({"ingress": [{"from": peers, "ports": ports}], "egress": [{"to": peers, "ports": ports}]})
    for policy in of_kind(render(chart, *values, "--set-json", f"networkPolicy.more.{role}={more}"), "NetworkPolicy"):
        found = [
            side for side in ("ingress", "egress") for each in policy["spec"].get(side, []) if each["ports"] == ports
        ]
        expected = ["ingress", "egress"] if policy["metadata"]["name"] == f"{chart}-{role}" else []
        assert found == expected, named(policy)


def test_in_production_no_process_reaches_the_inside_of_the_cluster_by_the_way_to_the_provider() -> None:
    for policy in of_kind(installation("production"), "NetworkPolicy"):
        for rule in policy["spec"].get("egress", []):
            for peer in rule["to"]:
                block = peer.get("ipBlock", {})
                if block.get("cidr") == "0.0.0.0/0":
                    assert set(block["except"]) == {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}
                    assert [each["port"] for each in rule["ports"]] == [443]
