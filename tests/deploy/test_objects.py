"""The objects refer to each other rightly."""

import re

import pytest
import yaml  # pyright: ignore[reportMissingModuleSource]

from tests.deploy.rendered import (
    CHARTS,
    INSTALLATIONS,
    NAMESPACE,
    ROOT,
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


def test_everything_has_one_name_and_the_releases_namespace(things: list[Thing]) -> None:
    names = [named(thing) for thing in things]
    assert sorted(names) == sorted(set(names))
    assert {thing["metadata"]["namespace"] for thing in things} == {NAMESPACE}


def test_every_workload_selects_its_own_pods_and_no_others(things: list[Thing]) -> None:
    lasting = of_kind(things, "Deployment", "StatefulSet")
    for workload in lasting:
        selected = [other for other in workloads(things) if selects(workload["spec"]["selector"], labels_of(other))]
        assert [named(each) for each in selected] == [named(workload)]


def test_every_service_leads_to_a_port_of_the_pods_of_one_workload(things: list[Thing]) -> None:
    for service in of_kind(things, "Service"):
        if service["spec"].get("clusterIP") == "None" and service["metadata"]["name"].endswith("-metrics"):
            continue
        (workload,) = [
            each for each in workloads(things) if selects({"matchLabels": service["spec"]["selector"]}, labels_of(each))
        ]
        ports = {port["name"] for container in pod_of(workload)["containers"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports, named(service)


def test_every_deployment_may_lose_one_pod_at_a_time_and_keeps_its_number_in_an_update(things: list[Thing]) -> None:
    budgets = of_kind(things, "PodDisruptionBudget")
    for workload in of_kind(things, "Deployment"):
        (budget,) = [each for each in budgets if selects(each["spec"]["selector"], labels_of(workload))]
        assert budget["spec"]["maxUnavailable"] == 1
        assert workload["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_pods_go_one_at_a_time_and_stay_for_the_last_minutes_of_an_auction(things: list[Thing]) -> None:
    for scaler in of_kind(things, "HorizontalPodAutoscaler", "ScaledObject"):
        spec = scaler["spec"]
        behavior = (spec.get("advanced", {}).get("horizontalPodAutoscalerConfig") or spec)["behavior"]
        assert behavior["scaleDown"]["stabilizationWindowSeconds"] >= 1_800, named(scaler)
        assert [each["value"] for each in behavior["scaleDown"]["policies"] if each["type"] == "Pods"] == [1]


def test_in_production_nothing_that_serves_is_alone_and_none_shares_a_node_where_there_are_more() -> None:
    things = installation("production")
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]: each
        for each in of_kind(things, "HorizontalPodAutoscaler", "ScaledObject")
    }
    for workload in of_kind(things, "Deployment"):
        scaler = scaled.get(workload["metadata"]["name"])
        least = workload["spec"].get("replicas") if scaler is None else None
        if scaler is not None:
            # Two that set the number would fight over it at each upgrade.
            assert "replicas" not in workload["spec"], named(workload)
            least = scaler["spec"].get("minReplicas") or scaler["spec"]["minReplicaCount"]
        assert least is not None
        assert least >= 2, named(workload)
        spread = {each["topologyKey"] for each in pod_of(workload)["topologySpreadConstraints"]}
        assert spread == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}


@pytest.mark.parametrize("name", INSTALLATIONS)
def test_a_trigger_takes_its_secrets_by_a_name_that_is_there_from_a_key_that_the_worker_has(name: str) -> None:
    things = installation(name, options=True)
    made = {each["metadata"]["name"]: each for each in of_kind(things, "TriggerAuthentication")}
    (stats,) = [
        each for each in of_kind(things, "ScaledObject") if each["metadata"]["name"] == "user-stats-service-worker"
    ]
    if name == "production":
        # The broker's scaler can't do without a URL.
        assert {each["type"]: "authenticationRef" in each for each in stats["spec"]["triggers"]} == {"rabbitmq": True}
    for scaler in of_kind(things, "ScaledObject"):
        scaled = scaler["spec"]["scaleTargetRef"]["name"]
        (worker,) = [each for each in of_kind(things, "Deployment") if each["metadata"]["name"] == scaled]
        (container,) = pod_of(worker)["containers"]
        given = [each["valueFrom"]["secretKeyRef"] for each in container["env"]]
        for trigger in scaler["spec"]["triggers"]:
            if "authenticationRef" in trigger:
                (source,) = made[trigger["authenticationRef"]["name"]]["spec"]["secretTargetRef"]
                assert source["parameter"] == "host"
                assert {"name": source["name"], "key": source["key"]} in given


def test_a_pod_of_an_api_is_full_at_the_load_in_the_sizing_table() -> None:
    sizing = (ROOT / "docs" / "SIZING.md").read_text(encoding="utf-8")
    (share, millicores) = re.findall(r"÷ (0\.\d+) \(the autoscaler's target, (\d+) millicores\)", sizing)[0]
    assert float(share) * 1000 == int(millicores)
    scalers = of_kind(installation("production"), "HorizontalPodAutoscaler")
    assert len(scalers) == 2
    for scaler in scalers:
        (metric,) = scaler["spec"]["metrics"]
        assert metric["resource"]["target"] == {"type": "AverageValue", "averageValue": f"{millicores}m"}


def test_what_scales_something_names_a_deployment(things: list[Thing]) -> None:
    deployments = {each["metadata"]["name"] for each in of_kind(things, "Deployment")}
    for scaler in of_kind(things, "HorizontalPodAutoscaler", "ScaledObject"):
        assert scaler["spec"]["scaleTargetRef"]["name"] in deployments


def test_prometheus_finds_every_process_ready_or_not() -> None:
    things = installation("production")
    (bids, stats) = of_kind(things, "ServiceMonitor")
    for monitor, chart in ((bids, "bid-service"), (stats, "user-stats-service")):
        (service,) = [
            each
            for each in of_kind(things, "Service")
            if selects(monitor["spec"]["selector"], each["metadata"]["labels"])
        ]
        assert service["spec"]["publishNotReadyAddresses"] is True
        found = [
            each["metadata"]["name"]
            for each in of_kind(things, "Deployment")
            if selects({"matchLabels": service["spec"]["selector"]}, labels_of(each))
        ]
        assert found == [f"{chart}-api", f"{chart}-worker"]
        # The alerts and dashboards know the processes by these names.
        (job,) = monitor["spec"]["endpoints"][0]["relabelings"]
        assert job == {"sourceLabels": ["__meta_kubernetes_pod_container_name"], "targetLabel": "job"}
        names = {pod_of(each)["containers"][0]["name"] for each in of_kind(things, "Deployment")}
        assert {"bid-api", "bid-worker", "stats-api", "stats-worker"} <= names
        assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


def test_a_monitor_has_the_labels_that_a_prometheus_asks_for() -> None:
    values = ("--values", str(CHARTS / "bid-service" / "values-production.yaml"))
    things = render("bid-service", *values, "--set", "monitoring.labels.release=prometheus")
    (monitor,) = of_kind(things, "ServiceMonitor")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["metadata"]["labels"]["app.kubernetes.io/name"] == "bid-service"


def test_the_dashboards_and_alerts_are_those_of_the_repository() -> None:
    (dashboards, rules) = render("observability")
    folder = ROOT / "deploy" / "observability"
    assert dashboards["data"] == {
        path.name: path.read_text(encoding="utf-8") for path in (folder / "dashboards").glob("*.json")
    }
    assert rules["spec"] == yaml.safe_load((folder / "rules.yml").read_text(encoding="utf-8"))
