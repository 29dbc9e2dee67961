"""What Helm makes before a release and beside it: the migration, and the tests of `helm test`."""

import subprocess

import pytest

from tests.deploy.rendered import (
    CHARTS,
    NAMESPACE,
    ROOT,
    Thing,
    helm,
    hook_of,
    installation,
    is_test,
    labels_of,
    named,
    of_kind,
    pod_of,
    render,
)
from tests.deploy.test_network import may_talk

BEFORE = "pre-install,pre-upgrade"
CHARTS_OF_OURS = ("bid-service", "user-stats-service")
LOAD = ("--set", "check.load.enabled=true")


def values(chart: str, name: str) -> tuple[str, str]:
    """The arguments of Helm for a values file."""
    return "--values", str(CHARTS / chart / f"values-{name}.yaml")


def migrations(things: list[Thing]) -> list[Thing]:
    """The Jobs that bring a schema up to date."""
    return [each for each in of_kind(things, "Job") if labels_of(each)["app.kubernetes.io/component"] == "migrate"]


def weight(thing: Thing) -> int:
    """Hooks of a lower weight come first."""
    return int(thing["metadata"]["annotations"].get("helm.sh/hook-weight", "0"))


def test_a_migration_that_is_no_hook_is_another_job_whenever_its_pod_is_another() -> None:
    def name(*arguments: str) -> str:
        given = (*values("bid-service", "production"), "--set", "migrate.hook=false")
        (job,) = migrations(render("bid-service", *given, *arguments))
        return job["metadata"]["name"]

    changes = ("image.tag=1.2.3", "migrate.resources.limits.cpu=1", "migrate.grantTo[0]=others", "secretName=others")
    names = [name(), *(name("--set", change) for change in changes)]
    assert len(set(names)) == len(names)
    assert name() == names[0]
    # What the pod does not see makes no new one.
    assert name("--set", "api.replicas=9") == names[0]


def test_a_migration_that_is_a_hook_needs_nothing_of_its_own_release(things: list[Thing]) -> None:
    jobs = migrations(things)
    assert len(jobs) == 2
    made = {named(thing) for thing in things if not hook_of(thing)}
    for job in jobs:
        if not hook_of(job):
            continue
        assert hook_of(job) == BEFORE
        (container,) = pod_of(job)["containers"]
        assert "envFrom" not in container
        secrets = {each["valueFrom"]["secretKeyRef"]["name"] for each in container["env"] if "valueFrom" in each}
        # The development Secret is another release's: that of the servers, which comes first.
        assert {f"Secret/{secret}" for secret in secrets} & made <= {"Secret/infra-development"}
        assert "volumes" not in pod_of(job)


def test_a_first_migration_reaches_its_database_where_everything_is_denied() -> None:
    things = installation("development")
    for chart in CHARTS_OF_OURS:
        (job,) = [each for each in migrations(things) if each["metadata"]["name"].startswith(chart)]
        (database,) = [each for each in of_kind(things, "StatefulSet") if each["metadata"]["name"] == "postgres"]
        before = [each for each in things if hook_of(each) == BEFORE and weight(each) < weight(job)]
        # Another release has made the server's own policy.
        servers = [each for each in things if each["metadata"]["labels"]["app.kubernetes.io/name"] == "infra"]
        deny_all: Thing = {
            "kind": "NetworkPolicy",
            "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        }
        port = ("postgres", 5432)
        assert may_talk([job, *servers, deny_all, *before], job["metadata"]["name"], database, port)
        assert not may_talk([job, *servers, deny_all], job["metadata"]["name"], database, port)


@pytest.mark.parametrize("chart", CHARTS_OF_OURS)
def test_the_account_of_a_first_migration_is_made_before_it(chart: str) -> None:
    for arguments, hook in ((), BEFORE), (("--set", "migrate.hook=false"), ""):
        given = (*values(chart, "production"), "--set", "createServiceAccount=true", *arguments)
        things = render(chart, *given)
        accounts = {each["metadata"]["name"]: each for each in of_kind(things, "ServiceAccount")}
        (job,) = migrations(things)
        account = accounts.pop(pod_of(job)["serviceAccountName"])
        assert hook_of(account) == hook
        assert not hook or weight(account) < weight(job)
        # The processes have one that is part of the release.
        ((name, lasting),) = accounts.items()
        assert not hook_of(lasting)
        assert {pod_of(each)["serviceAccountName"] for each in of_kind(things, "Deployment")} == {name}


@pytest.mark.parametrize("chart", CHARTS_OF_OURS)
def test_an_account_that_is_there_already_is_used_by_all(chart: str) -> None:
    things = render(chart, *values(chart, "production"), "--set", "serviceAccountName=mine")
    assert of_kind(things, "ServiceAccount") == []
    assert {pod_of(each)["serviceAccountName"] for each in of_kind(things, "Deployment", "Job")} == {"mine"}


def test_helm_test_places_one_bid_with_the_script_of_the_repository_and_prints_its_report() -> None:
    for name in ("development", "production"):
        things = [each for each in installation(name) if is_test(each)]
        (job,), (script,) = of_kind(things, "Job"), of_kind(things, "ConfigMap")
        assert script["data"] == {
            "verify_deployment.py": (ROOT / "scripts" / "verify_deployment.py").read_text(encoding="utf-8")
        }
        assert weight(script) < weight(job)
        # Of a Job it prints no log for --logs.
        assert job["metadata"]["annotations"]["helm.sh/hook-output-log-policy"] == "hook-succeeded,hook-failed"
        (container,) = pod_of(job)["containers"]
        assert container["command"] == ["python", "-I", "/check/verify_deployment.py"]
        assert container["args"][0] == "calls"


def test_the_load_test_is_made_where_it_is_asked_for_and_checks_the_books() -> None:
    things = render("bid-service", *values("bid-service", "development"), *LOAD)
    (job,) = [each for each in of_kind(things, "Job") if each["metadata"]["name"] == "bid-service-load"]
    assert is_test(job)
    (container,) = pod_of(job)["containers"]
    assert container["image"].startswith("gavel-tools:")
    assert container["args"][0] == "bidders"
    assert {"--verify", "--url=http://bid-service-api", "--stats-url=http://user-stats-service-api"} < set(
        container["args"]
    )
    # What is wrong is not tried again until it is right.
    assert job["spec"]["backoffLimit"] == 0


def test_the_load_test_is_given_options_that_bidders_take() -> None:
    things = render("bid-service", *values("bid-service", "development"), *LOAD)
    (job,) = [each for each in of_kind(things, "Job") if each["metadata"]["name"] == "bid-service-load"]
    (container,) = pod_of(job)["containers"]
    done = subprocess.run(
        [str(ROOT / ".venv" / "bin" / "gavel"), *container["args"], "--url=http://127.0.0.1:1", "--seconds=0.1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # The error is about the address, at which there is no server, and not about the command line.
    assert "127.0.0.1:1" in done.stdout + done.stderr
    assert "option" not in done.stderr


def test_tokens_of_a_check_come_from_a_secret_of_their_own() -> None:
    given = (*values("bid-service", "production"), "--set", "check.secretName=checkers")
    (job,) = [each for each in of_kind(render("bid-service", *given), "Job") if is_test(each)]
    (container,) = pod_of(job)["containers"]
    assert {each["name"]: each["valueFrom"]["secretKeyRef"] for each in container["env"]} == {
        token: {"name": "checkers", "key": token} for token in ("GAVEL_SELLER_TOKEN", "GAVEL_BIDDER_TOKEN")
    }


@pytest.mark.parametrize("chart", ["bid-service", "user-stats-service", "infra"])
def test_at_an_installation_helm_names_what_it_would_leave_behind(chart: str) -> None:
    given = values(chart, "development") if chart != "infra" else ()
    command = [helm(), "install", chart, str(CHARTS / chart), "--namespace", NAMESPACE, *given, "--dry-run=client"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    notes = said[said.index("NOTES:") :]
    things = render(chart, *given)
    # All that is no part of the release, and is not deleted when it has done its work.
    left = [
        each
        for each in things
        if hook_of(each) and "hook-succeeded" not in each["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
    ]
    for thing in left:
        words = ("migration",) if hook_of(thing) == BEFORE else (thing["kind"], thing["metadata"]["name"])
        assert all(word in notes for word in words), named(thing)
    for volume in (
        f"{claim['metadata']['name']}-{each['metadata']['name']}-0"
        for each in of_kind(things, "StatefulSet")
        for claim in each["spec"].get("volumeClaimTemplates", [])
    ):
        assert volume in notes
