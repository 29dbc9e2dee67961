"""Values that would make no safe installation are refused, in words, before anything is rendered."""

import pytest

from tests.deploy.rendered import CHARTS, RenderFailed, render

BIDS = ("--values", str(CHARTS / "bid-service" / "values-development.yaml"))
STATS = ("--values", str(CHARTS / "user-stats-service" / "values-development.yaml"))
JWT = ("--set", "api.config.AUTH_MODE=jwt,api.config.JWT_ISSUER=https://login.example.com")
KEDA = ("--set", "worker.keda.enabled=true,worker.keda.triggers[0].type=rabbitmq")
WEB = ("--values", str(CHARTS / "web" / "values-development.yaml"))

REFUSED = [
    ("bid-service", ("--set", "secretName=some"), "AUTH_MODE"),
    ("bid-service", ("--set", "api.config.AUTH_MODE=trusted"), "secretName"),
    ("bid-service", (*BIDS, "--set", "api.config.AUTH_MODE=none"), "AUTH_MODE"),
    ("bid-service", (*BIDS, "--set", "api.config.AUTH_MODE=jwt"), "JWT_ISSUER"),
    ("bid-service", (*BIDS, *JWT), "JWT_AUDIENCE"),
    ("user-stats-service", (*STATS, *JWT), "JWT_AUDIENCE"),
    ("bid-service", (*BIDS, "--set-string", "api.config.AUTH_TRUSTED_ANYWHERE=false"), "AUTH_TRUSTED_ANYWHERE"),
    ("bid-service", (*BIDS, "--set", "image.tag=latest"), "tag"),
    ("bid-service", (*BIDS, "--set", "image.digest=sha256:abc"), "digest"),
    ("bid-service", (*BIDS, "--set", "api.replicas=0"), "replicas"),
    ("bid-service", (*BIDS, "--set", "api.replica=3"), "replica"),
    ("bid-service", (*BIDS, "--set", "worker.keda.enabled=true"), "triggers"),
    ("bid-service", (*BIDS, "--set", "gateway.enabled=true"), "parentRefs"),
    ("bid-service", (*BIDS, "--set", "config.log-level=INFO"), "log-level"),
    ("bid-service", (*BIDS, "--set-string", "config.ADMIN_PORT=9999"), "ADMIN_PORT"),
    ("bid-service", (*BIDS, "--set-string", "api.config.HTTP_PORT=9999"), "HTTP_PORT"),
    ("bid-service", (*BIDS, "--set", "worker.config.BID_DB_URL=postgresql://somewhere"), "BID_DB_URL"),
    ("bid-service", (*BIDS, "--set", "api.config.HTTP_HOST=127.0.0.1"), "HTTP_HOST"),
    ("user-stats-service", (*STATS, "--set-string", "worker.config.ADMIN_PORT=9999"), "ADMIN_PORT"),
    ("bid-service", (*BIDS, *KEDA, "--set", "worker.keda.triggers[0].metadata.value=200"), "metadata"),
    ("bid-service", (*BIDS, "--set-json", "networkPolicy.dns.peers=[]"), "dns"),
    ("bid-service", (*BIDS, "--set", "networkPolicy.more.relay.egress[0].to[0].podSelector=x"), "relay"),
    ("bid-service", (*BIDS, *JWT, "--set", "api.config.JWT_AUDIENCE=gavel,check.load.enabled=true"), "AUTH_MODE"),
    ("user-stats-service", ("--set", "secretName=some"), "AUTH_MODE"),
    ("web", (*WEB, "--set", "page.auth_mode=none"), "auth_mode"),
    ("web", (*WEB, "--set", "connectSources[0]=http://login.example.com"), "connectSources"),
    ("infra", ("--set", "postgres.image=postgres"), "image"),
    ("infra", ("--set", "developmentPasswords.postgres=a@b"), "developmentPasswords"),
]


@pytest.mark.parametrize(("chart", "arguments", "named"), REFUSED, ids=lambda value: str(value)[-60:])
def test_unsafe_values_are_refused_by_name(chart: str, arguments: tuple[str, ...], named: str) -> None:
    with pytest.raises(RenderFailed, match=named):
        render(chart, *arguments)


@pytest.mark.parametrize(("chart", "values"), [("bid-service", BIDS), ("user-stats-service", STATS)])
@pytest.mark.parametrize("setting", ["JWT_AUDIENCE=gavel", "JWT_CLIENT_IDS=gavel-web"])
def test_tokens_need_an_audience_or_clients(chart: str, values: tuple[str, ...], setting: str) -> None:
    assert render(chart, *values, *JWT, "--set", f"api.config.{setting}")


@pytest.mark.parametrize(("chart", "values"), [("bid-service", BIDS), ("user-stats-service", STATS)])
def test_every_process_listens_where_a_cluster_with_ipv6_alone_has_its_addresses(
    chart: str, values: tuple[str, ...]
) -> None:
    for arguments, host in ((), "0.0.0.0"), (("--set", "config.HTTP_HOST=::"), "::"):
        maps = [
            thing["data"]
            for thing in render(chart, *values, *arguments)
            if thing["kind"] == "ConfigMap" and "ADMIN_PORT" in thing["data"]
        ]
        assert [each["HTTP_HOST"] for each in maps] == [host, host]


def test_a_digest_wins_over_a_tag() -> None:
    digest = "sha256:" + "0" * 64
    rendered = render("bid-service", *BIDS, "--set", f"image.digest={digest}")
    images = {
        container["image"]
        for thing in rendered
        if thing["kind"] in {"Deployment", "Job"}
        for container in thing["spec"]["template"]["spec"]["containers"]
    }
    assert images == {f"gavel@{digest}"}


def test_changed_settings_start_the_pods_anew() -> None:
    def annotation(*arguments: str) -> str:
        (api,) = [
            thing
            for thing in render("bid-service", *BIDS, *arguments)
            if thing["kind"] == "Deployment" and thing["metadata"]["name"] == "bid-service-api"
        ]
        return api["spec"]["template"]["metadata"]["annotations"]["gavel/config"]

    assert annotation() == annotation()
    assert annotation() != annotation("--set", "config.LOG_LEVEL=DEBUG")
