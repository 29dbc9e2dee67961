"""The Tiltfile is run by a Starlark interpreter, with recorders where Tilt has its functions."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import starlark  # pyright: ignore[reportMissingImports]

from tests.deploy.rendered import CHARTS_OF_AN_INSTALLATION, ROOT, installation, is_test, named, of_kind, workloads

Calls = list[tuple[str, tuple[Any, ...], dict[str, Any]]]

RECORDED = (
    "allow_k8s_contexts",
    "cmd_button",
    "docker_build",
    "fall_back_on",
    "helm",
    "k8s_resource",
    "k8s_yaml",
    "link",
    "local_resource",
    "run",
    "sync",
    "text_input",
    "update_settings",
    "watch_file",
)
# Tilt's own values, and what `load` would bring from its extensions.
PRELUDE = """
os = struct(path = struct(exists = path_exists))
location = struct(NAV = "nav", RESOURCE = "resource")
TRIGGER_MODE_MANUAL = "manual"
"""


@pytest.fixture(scope="module")
def calls() -> Calls:
    """Every call of Tilt's functions that the Tiltfile makes, in order."""
    made: Calls = []

    def recorder(name: str) -> Callable[..., str]:
        def record(*arguments: Any, **options: Any) -> str:
            made.append((name, arguments, options))
            return name

        return record

    def path_exists(path: str) -> bool:
        return (ROOT / path).exists()

    text = (ROOT / "Tiltfile").read_text(encoding="utf-8")
    loads = [line for line in text.splitlines() if line.startswith("load(")]
    assert len(loads) == 1
    sl: Any = starlark
    module = sl.Module()
    for name in RECORDED:
        module.add_callable(name, recorder(name))
    module.add_callable("path_exists", path_exists)
    library = sl.Globals.extended_by([sl.LibraryExtension.StructType])
    source = PRELUDE + text.replace(loads[0], "")
    sl.eval(module, sl.parse("Tiltfile", source, sl.Dialect.extended()), library)
    return made


def options(calls: Calls, name: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The calls of one function."""
    return [(arguments, given) for called, arguments, given in calls if called == name]


def test_it_runs_in_the_cluster_that_make_cluster_makes_and_in_no_other(calls: Calls) -> None:
    assert options(calls, "allow_k8s_contexts") == [(("kind-gavel",), {})]
    assert "name: kind-gavel" in (ROOT / "deploy" / "ctlptl.yaml").read_text(encoding="utf-8")


def test_nothing_for_development_asks_the_cluster_that_happens_to_be_the_current_one(calls: Calls) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    started = re.findall(r"\btilt (?:up|down)\b.*", makefile)
    assert [each for each in started if each.startswith(("tilt up", "tilt down"))]
    assert all("--context kind-gavel" in each for each in started if "##" not in each)
    ((_, verify),) = options(calls, "local_resource")
    assert verify["cmd"][:4] == ["scripts/verify-deployment.sh", "cluster", "--context", "kind-gavel"]
    script = (ROOT / "scripts" / "make-cluster.sh").read_text(encoding="utf-8")
    for line in script.splitlines():
        assert "context kind-gavel" in line or not line.startswith(("kubectl", "helm")), line


def test_every_chart_of_the_development_installation_is_applied_with_its_values(calls: Calls) -> None:
    applied = {arguments[0]: given for arguments, given in options(calls, "helm")}
    assert applied.keys() == {f"deploy/charts/{chart}" for chart in CHARTS_OF_AN_INSTALLATION}
    for folder, given in applied.items():
        assert given["namespace"] == "gavel"
        values = Path(folder) / "values-development.yaml"
        assert given["values"] == ([str(values)] if (ROOT / values).is_file() else [])


def test_every_file_that_it_names_is_there(calls: Calls) -> None:
    files = [given["dockerfile"] for _, given in options(calls, "docker_build")]
    files += [path for _, given in options(calls, "docker_build") for path in given["only"]]
    files += [path for arguments, _ in options(calls, "fall_back_on") for path in arguments[0]]
    files += [arguments[0] for arguments, _ in options(calls, "sync")]
    files += [each for arguments, _ in options(calls, "k8s_yaml") for each in arguments if each != "helm"]
    assert len(files) > 10
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_it_builds_the_images_that_the_charts_use_and_no_others(calls: Calls) -> None:
    built = {arguments[0] for arguments, _ in options(calls, "docker_build")}
    used = {
        container["image"].rpartition(":")[0]
        for workload in workloads(installation("development"))
        for container in workload["spec"]["template"]["spec"]["containers"]
    }
    assert built == {image for image in used if image.startswith("gavel")}


def test_every_workload_is_grouped_and_waits_only_for_what_is_there(calls: Calls) -> None:
    resources = {
        given["new_name"] if "new_name" in given else arguments[0]: given
        for arguments, given in options(calls, "k8s_resource")
    }
    resources |= {arguments[0]: given for arguments, given in options(calls, "local_resource")}
    names = {each["metadata"]["name"] for each in workloads(installation("development")) if not is_test(each)}
    assert names <= resources.keys()
    for name, given in resources.items():
        assert given["labels"], name
        assert set(given.get("resource_deps", [])) <= resources.keys(), name
    things = installation("development")
    made = {named(thing).split("/")[1] + ":" + thing["kind"].lower() for thing in of_kind(things, "Secret")}
    objects = {each for given in resources.values() for each in given.get("objects", [])}
    assert objects == made | {"gavel:namespace"}


def test_what_helm_test_makes_is_where_tilt_leaves_it_out() -> None:
    for template in (ROOT / "deploy" / "charts").glob("*/templates/**/*.yaml"):
        # By the folder's name, and not by the annotation.
        assert ("helm.sh/hook: test" in template.read_text(encoding="utf-8")) == (template.parent.name == "tests")


def test_nothing_waits_for_itself_in_a_circle(calls: Calls) -> None:
    waits = {
        given.get("new_name") or arguments[0]: set(given.get("resource_deps", []))
        for arguments, given in options(calls, "k8s_resource")
    }
    while free := [name for name, others in waits.items() if not others & waits.keys()]:
        for name in free:
            del waits[name]
    assert waits == {}


def test_there_are_buttons_to_migrate_to_let_bidders_bid_and_to_test(calls: Calls) -> None:
    assert {arguments[0] for arguments, _ in options(calls, "cmd_button")} == {
        "bid-service-migrate:again",
        "user-stats-service-migrate:again",
        "bidders",
        "tests",
    }


def test_no_port_is_forwarded_twice(calls: Calls) -> None:
    ports = [
        forward.split(":")[0]
        for _, given in options(calls, "k8s_resource")
        for forward in given.get("port_forwards", [])
    ]
    assert len(ports) >= 7
    assert len(ports) == len(set(ports))
