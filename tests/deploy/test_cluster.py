"""`make cluster`: what runs in a Kind cluster has room on two processors, and is there when the command returns."""

import shutil
import subprocess
from pathlib import Path

import yaml  # pyright: ignore[reportMissingModuleSource]

from tests.deploy.rendered import ROOT, Thing, installation, is_test, pod_of, workloads

PROCESSORS = 2
# API server, controller manager, scheduler, etcd, two CoreDNS and kindnet, as Kubernetes 1.34 in Kind asks for them.
KIND_MILLICORES = 950
TOOLS = ("docker", "kind", "ctlptl", "kubectl", "helm")
# Stands in for each tool: writes down how it was called.
RECORDER = """#!/bin/sh
echo "$(basename "$0") $*" >>"$CALLS"
[ "$1 $2 $3" != "info --format {{.NCPU}}" ] || echo "$PROCESSORS"
"""


def millicores(workload: Thing) -> int:
    """What a pod of a workload asks for."""
    asked = [str(each["resources"]["requests"]["cpu"]) for each in pod_of(workload)["containers"]]
    return sum(int(each.removesuffix("m")) if each.endswith("m") else 1_000 * int(each) for each in asked)


def make_cluster(folder: Path, processors: int) -> tuple[int, str, list[str]]:
    """Exit status, errors and the calls of the tools, on an engine with so many processors."""
    programs = folder / "bin"
    programs.mkdir()
    for tool in ("bash", "sh", "dirname", "basename", "grep"):
        (programs / tool).symlink_to(str(shutil.which(tool)))
    for tool in TOOLS:
        (programs / tool).write_text(RECORDER, encoding="utf-8")
        (programs / tool).chmod(0o755)
    calls = folder / "calls"
    done = subprocess.run(
        [str(ROOT / "scripts" / "make-cluster.sh")],
        env={"PATH": str(programs), "CALLS": str(calls), "PROCESSORS": str(processors)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr, calls.read_text(encoding="utf-8").splitlines()


def test_a_development_installation_has_room_on_two_processors_while_a_pod_is_replaced() -> None:
    (ingress,) = [yaml.safe_load((ROOT / "deploy" / "nginx-ingress.yaml").read_text(encoding="utf-8"))]
    controller = int(ingress["controller"]["resources"]["requests"]["cpu"].removesuffix("m"))
    asked = {
        each["metadata"]["name"]: millicores(each)
        for each in workloads(installation("development"))
        if not is_test(each)
    }
    assert len(asked) == 10
    replaced = max(millicores(each) for each in workloads(installation("development")) if each["kind"] == "Deployment")
    assert KIND_MILLICORES + controller + sum(asked.values()) + replaced <= PROCESSORS * 1_000


def test_it_returns_when_the_ingress_controller_runs(tmp_path: Path) -> None:
    status, _, calls = make_cluster(tmp_path, PROCESSORS)
    assert status == 0
    installs = [number for number, call in enumerate(calls) if call.startswith("helm upgrade nginx-ingress")]
    waits = [number for number, call in enumerate(calls) if "rollout status daemonset/nginx-ingress-controller" in call]
    assert installs < waits
    assert len(waits) == 1


def test_an_engine_with_too_few_processors_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    status, said, calls = make_cluster(tmp_path, 1)
    assert (status, "1 processor" in said, f"asks for {PROCESSORS}" in said) == (1, True, True)
    assert {call.split()[0] for call in calls} == {"docker"}
