"""The servers of the production example keep what was answered, whichever one of them is lost."""

from pathlib import Path

import pytest
import yaml  # pyright: ignore[reportMissingModuleSource]

from gavel import __version__
from gavel.bids.adapters.postgres.feed import feed_log as postgres_feed_log
from gavel.bids.adapters.postgres.writing.auction_book import LANE_SIDES_MAX
from gavel.bids.api import BID_LANES
from gavel.runtime.postgres.connections import POOL_CONNECTIONS_MAX, STREAM_CONNECTIONS_MAX
from tests.deploy.rendered import ROOT, Thing, containers, installation, of_kind, pod_of

PRODUCTION = ROOT / "deploy" / "production"
# What a pod holds of its database at most: pools, and the connection of a lane. As in docs/SIZING.md.
CONNECTIONS = {
    "bid-service-api": POOL_CONNECTIONS_MAX + BID_LANES * (1 + LANE_SIDES_MAX) + postgres_feed_log.CONNECTIONS_MAX,
    "bid-service-worker": POOL_CONNECTIONS_MAX + STREAM_CONNECTIONS_MAX + 1 + LANE_SIDES_MAX,
    "user-stats-service-api": POOL_CONNECTIONS_MAX,
    # The pruner has one of its own.
    "user-stats-service-worker": POOL_CONNECTIONS_MAX + STREAM_CONNECTIONS_MAX + 1,
}
# A migration, a rebuild, the operator, and a reader.
OTHERS_CONNECTIONS_MAX = 20


def load(path: Path) -> list[Thing]:
    """The objects in a file."""
    return [thing for thing in yaml.safe_load_all(path.read_text(encoding="utf-8")) if thing]


@pytest.fixture(scope="module")
def servers() -> list[Thing]:
    """All objects of the example."""
    return [thing for path in sorted(PRODUCTION.glob("*.yaml")) for thing in load(path)]


def cluster(servers: list[Thing], name: str) -> Thing:
    """One of the two database clusters."""
    (found,) = [each["spec"] for each in of_kind(servers, "Cluster") if each["metadata"]["name"] == name]
    return found


def test_a_commit_of_a_bid_is_on_two_disks(servers: list[Thing]) -> None:
    bids = cluster(servers, "bid-db")
    assert bids["postgresql"]["parameters"]["synchronous_commit"] == "on"
    assert bids["postgresql"]["synchronous"] == {"method": "any", "number": 1, "dataDurability": "required"}
    # One may be away, and a synchronous one is left.
    assert bids["instances"] == 3
    assert bids["affinity"]["podAntiAffinityType"] == "required"


def test_no_log_of_a_postgres_quotes_what_is_hidden(servers: list[Thing]) -> None:
    quiet = {
        "log_error_verbosity": "terse",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
    }
    assert quiet.items() <= cluster(servers, "bid-db")["postgresql"]["parameters"].items()
    (postgres,) = [
        container for name, container in containers(installation("development")) if name.endswith("/postgres")
    ]
    assert set(postgres["args"]) == {"-c", *(f"{name}={value}" for name, value in quiet.items())}


@pytest.mark.parametrize(("database", "chart"), [("bid-db", "bid-service"), ("stats-db", "user-stats-service")])
def test_a_database_has_connections_for_all_pods_of_a_rolling_update(
    servers: list[Thing], database: str, chart: str
) -> None:
    things = installation("production")
    most = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"].get("maxReplicas") or each["spec"]["maxReplicaCount"]
        for each in of_kind(things, "HorizontalPodAutoscaler", "ScaledObject")
    }
    wanted = 0
    for role in ("api", "worker"):
        (deployment,) = [
            each for each in of_kind(things, "Deployment") if each["metadata"]["name"] == f"{chart}-{role}"
        ]
        name, surge = deployment["metadata"]["name"], deployment["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
        wanted += (most.get(name, deployment["spec"].get("replicas", 0)) + surge) * CONNECTIONS[name]
    most_of_server = int(cluster(servers, database)["postgresql"]["parameters"]["max_connections"])
    assert wanted + OTHERS_CONNECTIONS_MAX <= most_of_server
    sizing = (ROOT / "docs" / "SIZING.md").read_text(encoding="utf-8")
    assert f"= {wanted} of the {most_of_server} of `{database}`" in " ".join(sizing.split())


def test_both_databases_are_backed_up_each_night_and_their_log_always(servers: list[Thing]) -> None:
    (store,) = of_kind(servers, "ObjectStore")
    for name in ("bid-db", "stats-db"):
        (plugin,) = cluster(servers, name)["plugins"]
        assert plugin["isWALArchiver"] is True
        assert plugin["parameters"]["barmanObjectName"] == store["metadata"]["name"]
    assert {each["spec"]["cluster"]["name"] for each in of_kind(servers, "ScheduledBackup")} == {"bid-db", "stats-db"}
    assert store["spec"]["retentionPolicy"] == "30d"


def test_the_databases_are_those_that_the_processes_use(servers: list[Thing]) -> None:
    databases = {each["spec"]["bootstrap"]["initdb"]["database"] for each in of_kind(servers, "Cluster")}
    assert databases == {"bid_db", "stats_db"}


def test_the_broker_has_a_majority_without_any_one_of_its_nodes(servers: list[Thing]) -> None:
    (broker,) = of_kind(servers, "RabbitmqCluster")
    assert broker["spec"]["replicas"] == 3
    assert "pause_minority" in broker["spec"]["rabbitmq"]["additionalConfig"]
    (rule,) = broker["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert rule["topologyKey"] == "kubernetes.io/hostname"


def test_the_brokers_pods_are_let_into_a_namespace_that_asks_for_the_restricted_standard(servers: list[Thing]) -> None:
    (namespace,) = load(ROOT / "deploy" / "namespace.yaml")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    (broker,) = of_kind(servers, "RabbitmqCluster")
    pod = pod_of(broker["spec"]["override"]["statefulSet"])
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    # By these names the operator makes them.
    assert [each["name"] for each in pod["containers"]] == ["rabbitmq"]
    assert [each["name"] for each in pod["initContainers"]] == ["setup-container"]
    for container in pod["containers"] + pod["initContainers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }


def test_a_rebuild_runs_this_version_as_the_owners_and_reaches_the_databases_alone(servers: list[Thing]) -> None:
    (job,), (policy,) = of_kind(servers, "Job"), of_kind(servers, "NetworkPolicy")
    (container,) = pod_of(job)["containers"]
    assert container["command"] + container["args"] == ["gavel", "stats", "rebuild"]
    assert container["image"].endswith(f"/gavel:{__version__}")
    assert {each["name"]: each["valueFrom"]["secretKeyRef"]["key"] for each in container["env"]} == {
        "BID_DB_URL": "BID_DB_OWNER_URL",
        "STATS_DB_URL": "STATS_DB_OWNER_URL",
    }
    assert pod_of(job)["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert job["spec"]["template"]["metadata"]["labels"].items() >= policy["spec"]["podSelector"]["matchLabels"].items()
    assert [sorted({port["port"] for port in rule["ports"]}) for rule in policy["spec"]["egress"]] == [[53], [5432]]
    (databases,) = policy["spec"]["egress"][1]["to"][0]["podSelector"]["matchExpressions"]
    assert databases["values"] == sorted(each["metadata"]["name"] for each in of_kind(servers, "Cluster"))


def test_the_network_policies_of_production_lead_to_these_servers(servers: list[Thing]) -> None:
    peers = [
        peer["podSelector"]["matchLabels"]
        for policy in of_kind(installation("production"), "NetworkPolicy")
        for rule in policy["spec"].get("egress", [])
        for peer in rule["to"]
        if "podSelector" in peer and "namespaceSelector" not in peer
    ]
    clusters = {each["metadata"]["name"] for each in of_kind(servers, "Cluster")}
    (broker,) = of_kind(servers, "RabbitmqCluster")
    assert {each["cnpg.io/cluster"] for each in peers if "cnpg.io/cluster" in each} == clusters
    assert {each["app.kubernetes.io/name"] for each in peers if "app.kubernetes.io/name" in each} == {
        broker["metadata"]["name"]
    }


def test_no_example_holds_a_password(servers: list[Thing]) -> None:
    assert of_kind(servers, "Secret") == []
    for path in PRODUCTION.glob("*.yaml"):
        # The name of a Secret that holds one is none.
        assert "assword" not in path.read_text(encoding="utf-8").replace("passwordSecret: {name: ", "")


def test_each_cluster_has_an_owner_and_a_role_that_the_charts_grant_to(servers: list[Thing]) -> None:
    roles = {
        cluster["metadata"]["name"]: (
            cluster["spec"]["bootstrap"]["initdb"]["owner"],
            *(role["name"] for role in cluster["spec"]["managed"]["roles"] if role["login"]),
        )
        for cluster in of_kind(servers, "Cluster")
    }
    assert roles == {"bid-db": ("gavel", "gavel_bids"), "stats-db": ("gavel", "gavel_stats")}
