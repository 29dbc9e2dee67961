"""The charts as an installation gets them: rendered by Helm, read as plain objects."""

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # pyright: ignore[reportMissingModuleSource]

ROOT = Path(__file__).parents[2]
CHARTS = ROOT / "deploy" / "charts"
NAMESPACE = "gavel"
RENDER_SECONDS_MAX = 60

Thing = dict[str, Any]

# What is installed together, and with which values; a chart without such a file is not part of that installation.
INSTALLATIONS = ("development", "production")
CHARTS_OF_AN_INSTALLATION = ("infra", "bid-service", "user-stats-service", "web")
# What an installation may switch on besides.
OPTIONS = (
    "gateway.enabled=true",
    "gateway.parentRefs[0].name=public",
    "gateway.retries=2",
    "createServiceAccount=true",
    "worker.keda.enabled=true",
    "worker.keda.triggers[0].type=rabbitmq",
    "monitoring.serviceMonitor=true",
    "liveUpdate=true",
    "migrate.hook=false",
)


class RenderFailed(Exception):
    """Helm refuses the values; the text says why."""


@cache
def helm() -> str:
    """Where Helm is. `make test` has it built: no test does, since a build takes longer than a test may."""
    find = [str(ROOT / "scripts" / "install-go-tool.sh"), "helm", "--find"]
    done = subprocess.run(find, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def render(chart: str, *arguments: str, charts: Path = CHARTS) -> list[Thing]:
    """A chart's objects with these arguments of `helm template`. Raises RenderFailed."""
    command = [helm(), "template", chart, str(charts / chart), "--namespace", NAMESPACE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RENDER_SECONDS_MAX, check=False)
    if done.returncode != 0:
        raise RenderFailed(done.stderr)
    return [thing for thing in yaml.safe_load_all(done.stdout) if thing]


@cache
def installation(name: str, *, options: bool = False) -> list[Thing]:
    """All objects of an installation, with everything optional switched on where asked."""
    return [
        thing
        for chart in CHARTS_OF_AN_INSTALLATION
        if (values := _values(chart, name)) is not None
        for thing in render(chart, *values, *(_options(chart) if options else ()))
    ]


def _values(chart: str, name: str) -> list[str] | None:
    file = CHARTS / chart / f"values-{name}.yaml"
    if file.is_file():
        return ["--values", str(file)]
    return [] if chart == "infra" and name == "development" else None


def _options(chart: str) -> Iterator[str]:
    known = yaml.safe_load((CHARTS / chart / "values.yaml").read_text(encoding="utf-8"))
    for option in OPTIONS:
        if option.split(".")[0].split("=")[0] in known:
            yield "--set"
            yield option


def of_kind(things: list[Thing], *kinds: str) -> list[Thing]:
    """The objects of these kinds."""
    return [thing for thing in things if thing["kind"] in kinds]


def named(thing: Thing) -> str:
    """An object as people write it."""
    return f"{thing['kind']}/{thing['metadata']['name']}"


def workloads(things: list[Thing]) -> list[Thing]:
    """What makes pods."""
    return of_kind(things, "Deployment", "StatefulSet", "Job")


def is_test(thing: Thing) -> bool:
    """Whether `helm test` makes an object, and nothing else does."""
    return hook_of(thing) == "test"


def hook_of(thing: Thing) -> str:
    """When Helm makes an object; empty where it is part of the release."""
    return thing["metadata"].get("annotations", {}).get("helm.sh/hook", "")


def labels_of(workload: Thing) -> dict[str, str]:
    """The labels of a workload's pods."""
    return workload["spec"]["template"]["metadata"]["labels"]


def pod_of(workload: Thing) -> Thing:
    """The spec of a workload's pods."""
    return workload["spec"]["template"]["spec"]


def containers(things: list[Thing]) -> list[tuple[str, Thing]]:
    """Every container, named with its workload."""
    return [
        (f"{named(workload)}/{container['name']}", container)
        for workload in workloads(things)
        for container in [*pod_of(workload).get("initContainers", []), *pod_of(workload)["containers"]]
    ]


def selects(selector: Thing, labels: dict[str, str]) -> bool:
    """Whether a label selector, of a policy or a workload, takes these labels."""
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        {"In": labels.get(each["key"]) in each.get("values", [])}[each["operator"]]
        for each in selector.get("matchExpressions", [])
    )


def proxying(ingress: Thing, controller: str) -> dict[str, str]:
    """The directives of nginx that an Ingress's annotations ask this controller for."""
    asked = {
        name.removeprefix(f"{controller}/"): value
        for name, value in ingress["metadata"]["annotations"].items()
        if name.startswith(f"{controller}/proxy-")
    }
    # ingress-nginx has a name of its own for the one that all others call client-max-body-size.
    asked.pop("proxy-body-size", None)
    return {name.replace("-", "_"): "off" if value == "False" else value for name, value in asked.items()}
