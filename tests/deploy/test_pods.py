"""Every pod can do no more than it needs, says when it is ready, and has time to finish."""

import re

from gavel import __version__
from gavel.runtime.http.server import SHUTDOWN_SECONDS_MAX
from tests.deploy.rendered import CHARTS, Thing, containers, named, of_kind, pod_of, render, workloads

# SIGTERM to the end of a process, at most (the settings' page and tests/e2e hold it).
DRAIN_SECONDS_MAX = 10
CHARTS_OF_OURS = ("bid-service", "user-stats-service")
# Jobs end by themselves: no probe says when.
ENDS_BY_ITSELF = re.compile("^Job/")


def test_no_container_runs_as_root_or_can_become_it(things: list[Thing]) -> None:
    for workload in workloads(things):
        security = pod_of(workload)["securityContext"]
        assert security["runAsNonRoot"] is True, named(workload)
        assert security["runAsUser"] > 0, named(workload)
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, named(workload)
    for name, container in containers(things):
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False, name
        assert security["capabilities"] == {"drop": ["ALL"]}, name


def test_no_container_can_write_to_its_file_system(things: list[Thing]) -> None:
    assert {name: container["securityContext"]["readOnlyRootFilesystem"] for name, container in containers(things)} == {
        name: True for name, _ in containers(things)
    }


def test_what_is_started_with_live_updates_has_a_place_for_edited_source_or_names_its_command() -> None:
    things = [
        thing
        for chart in CHARTS_OF_OURS
        for thing in render(
            chart, "--values", str(CHARTS / chart / "values-development.yaml"), "--set", "liveUpdate=true"
        )
    ]
    ours = [(name, container) for name, container in containers(things) if container["image"] == "gavel:dev"]
    assert len(ours) == 7
    for name, container in ours:
        mounted = "/source" in [each["mountPath"] for each in container.get("volumeMounts", [])]
        # The image for development starts reload.py, which copies the source there; another command needs none.
        assert mounted == ("command" not in container), name


def test_no_pod_shares_anything_with_its_node_or_may_ask_the_cluster(things: list[Thing]) -> None:
    for workload in workloads(things):
        pod = pod_of(workload)
        assert pod["automountServiceAccountToken"] is False, named(workload)
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), named(workload)
        kinds = {kind for volume in pod.get("volumes", []) for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "emptyDir"}, named(workload)


def test_every_container_has_requests_and_limits(things: list[Thing]) -> None:
    for name, container in containers(things):
        for bound in ("requests", "limits"):
            assert container["resources"][bound].keys() == {"cpu", "memory"}, f"{name} {bound}"


def test_every_lasting_container_has_all_three_probes_on_a_port_that_it_has(things: list[Thing]) -> None:
    lasting = [(name, container) for name, container in containers(things) if not ENDS_BY_ITSELF.match(name)]
    assert lasting
    for name, container in lasting:
        ports = {port["name"] for port in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            how = container[probe]
            asked = [how[kind]["port"] for kind in ("httpGet", "tcpSocket") if kind in how]
            assert "exec" in how or asked, f"{name} {probe}"
            assert set(asked) <= ports, f"{name} {probe}"


def test_a_process_that_only_lost_its_database_is_not_started_anew(things: list[Thing]) -> None:
    ours = [
        container for _, container in containers(things) if container.get("args", [""])[0].endswith(("-api", "-worker"))
    ]
    assert len(ours) == 4
    for container in ours:
        assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "admin"}
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "admin"}


def test_the_grace_outlasts_the_pause_before_the_signal_and_the_drain_after_it(things: list[Thing]) -> None:
    assert SHUTDOWN_SECONDS_MAX < DRAIN_SECONDS_MAX
    for workload in of_kind(things, "Deployment"):
        pod = pod_of(workload)
        for container in pod["containers"]:
            pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            assert pod["terminationGracePeriodSeconds"] > pause + DRAIN_SECONDS_MAX, named(workload)


def test_no_image_is_whatever_is_latest(things: list[Thing]) -> None:
    for name, container in containers(things):
        image = container["image"]
        assert re.search(r"(:[\w.-]+|@sha256:[0-9a-f]{64})$", image), f"{name} {image}"
        assert not image.endswith(":latest"), f"{name} {image}"


def test_what_is_ours_is_of_this_version(things: list[Thing]) -> None:
    ours = [container["image"] for _, container in containers(things) if "gavel" in container["image"]]
    assert ours
    assert {image.rpartition(":")[2] for image in ours} <= {__version__, "dev"}
