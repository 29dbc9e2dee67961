"""What the charts take from the cluster itself: Helm renders them with a stand-in for its API."""

import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.deploy.rendered import CHARTS, NAMESPACE, Thing, of_kind, render

VALUES = ("--values", str(CHARTS / "bid-service" / "values-production.yaml"))
KEDA = ("--set", "worker.keda.enabled=true,worker.keda.triggers[0].type=rabbitmq")


def discovery(things: list[Thing]) -> dict[str, Thing]:
    """What an API says of the kinds of these objects, by path."""
    kinds = {(each["apiVersion"], each["kind"]) for each in things} | {("v1", "Secret")}
    groups = sorted({version for version, _ in kinds if "/" in version})
    said: dict[str, Thing] = {
        "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [
                {
                    "name": group.partition("/")[0],
                    "versions": [{"groupVersion": group, "version": group.partition("/")[2]}],
                }
                for group in groups
            ],
        },
    }
    for version in ["v1", *groups]:
        said[f"/apis/{version}" if "/" in version else f"/api/{version}"] = {
            "kind": "APIResourceList",
            "groupVersion": version,
            # Names end otherwise in English, which does not matter to what is asked for here.
            "resources": [
                {"name": f"{kind.lower()}s", "kind": kind, "namespaced": True, "verbs": ["get"]}
                for of, kind in sorted(kinds)
                if of == version
            ],
        }
    return said


class Cluster(ThreadingHTTPServer):
    """Answers as the API of a cluster in which these objects are, by path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects = discovery(render("bid-service", *VALUES, *KEDA))

    def has_deployment(self, name: str, replicas: int) -> None:
        """Let a Deployment run so many pods."""
        self.objects[f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"] = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": name,
                "namespace": NAMESPACE,
                "labels": {"app.kubernetes.io/managed-by": "Helm"},
                "annotations": {
                    "meta.helm.sh/release-name": "bid-service",
                    "meta.helm.sh/release-namespace": NAMESPACE,
                },
            },
            "spec": {"replicas": replicas},
        }

    def has_secret(self, name: str, version: str) -> None:
        """Let a Secret be there in a version."""
        self.objects[f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}"] = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": NAMESPACE, "resourceVersion": version},
            "data": {"BID_DB_URL": "cG9zdGdyZXM="},
        }

    def render(self, *arguments: str) -> dict[str, Thing]:
        """The Deployments of the bid service as Helm would make them here, by name."""
        url = f"http://127.0.0.1:{self.server_port}"
        here = ("--dry-run=server", "--disable-openapi-validation", "--kube-apiserver", url)
        things = render("bid-service", *VALUES, *here, *arguments)
        return {each["metadata"]["name"]: each for each in of_kind(things, "Deployment")}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Cluster)
        thing = self.server.objects.get(self.path.partition("?")[0])
        body = json.dumps(thing or {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound"})
        self.send_response(200 if thing else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has there
        """Say nothing."""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Generator[Cluster]:
    """A cluster without any objects."""
    monkeypatch.setenv("KUBECONFIG", "/dev/null")
    with Cluster() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_as_many_pods_stay_as_run_when_a_scaler_takes_over_their_number(cluster: Cluster) -> None:
    cluster.has_deployment("bid-service-api", 7)
    cluster.has_deployment("bid-service-worker", 4)
    made = cluster.render(*KEDA)
    assert made["bid-service-api"]["spec"]["replicas"] == 7
    assert made["bid-service-worker"]["spec"]["replicas"] == 4


def test_at_a_first_installation_the_scaler_says_how_many(cluster: Cluster) -> None:
    assert "replicas" not in cluster.render(*KEDA)["bid-service-api"]["spec"]


def test_without_a_scaler_the_values_say_how_many_whatever_runs(cluster: Cluster) -> None:
    cluster.has_deployment("bid-service-worker", 4)
    assert cluster.render("--set", "worker.replicas=2")["bid-service-worker"]["spec"]["replicas"] == 2


def test_pods_are_started_anew_when_their_secret_has_changed_and_hold_nothing_of_it(cluster: Cluster) -> None:
    def annotations(version: str) -> dict[str, str]:
        cluster.has_secret("bid-service", version)
        made = cluster.render()
        found = [each["spec"]["template"]["metadata"]["annotations"] for each in made.values()]
        assert len(found) == 2
        assert found[0]["gavel/secret"] == found[1]["gavel/secret"]
        return found[0]

    assert annotations("41") == annotations("41")
    assert annotations("41")["gavel/secret"] == "41"
    assert annotations("42")["gavel/secret"] == "42"
