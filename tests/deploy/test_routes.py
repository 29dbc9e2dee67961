"""What leads from a host to the services: Ingress and HTTPRoute."""

import pytest

from gavel.contracts.bids.v1.bid_service_connect import BidService
from gavel.contracts.userstats.v1.user_stats_service_connect import UserStatsService
from gavel.runtime.http.calls import CALL_SECONDS_MAX
from tests.deploy.rendered import CHARTS, INSTALLATIONS, Thing, installation, of_kind, render

GATEWAY = ("--set", "gateway.enabled=true,gateway.parentRefs[0].name=public")

ROUTES = {
    "api": {
        "/bids.v1.BidService/": "bid-service-api",
        "/userstats.v1.UserStatsService/": "user-stats-service-api",
    },
    "app": {
        "/bids.v1.BidService/": "bid-service-api",
        "/userstats.v1.UserStatsService/": "user-stats-service-api",
        "/page.json": "bid-service-api",
        "/status.json": "bid-service-api",
        "/board.json": "bid-service-api",
        "/": "web-page",
    },
}


@pytest.mark.parametrize("name", INSTALLATIONS)
def test_each_host_has_one_ingress_with_all_its_paths(name: str) -> None:
    things = installation(name)
    services = {each["metadata"]["name"] for each in of_kind(things, "Service")}
    ingresses = {each["metadata"]["name"]: each for each in of_kind(things, "Ingress")}
    assert ingresses.keys() == {"bid-service-public", "web-public"}
    for ingress, routes in zip(
        (ingresses["bid-service-public"], ingresses["web-public"]), ROUTES.values(), strict=True
    ):
        (rule,) = ingress["spec"]["rules"]
        assert ingress["spec"]["ingressClassName"] == "nginx"
        assert {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]} == routes
        assert set(routes.values()) <= services


def test_in_development_the_hosts_are_those_of_the_readme() -> None:
    hosts = {rule["host"] for each in of_kind(installation("development"), "Ingress") for rule in each["spec"]["rules"]}
    assert hosts == {"api.auction.local", "app.auction.local"}


def test_no_nginx_holds_events_back_or_ends_a_quiet_stream(things: list[Thing]) -> None:
    for ingress in of_kind(things, "Ingress"):
        annotations = ingress["metadata"]["annotations"]
        assert annotations["nginx.ingress.kubernetes.io/proxy-buffering"] == "off"
        assert annotations["nginx.org/proxy-buffering"] == "False"
        assert int(annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"]) >= 60
        assert annotations["nginx.org/proxy-read-timeout"].endswith("s")


def test_addresses_are_limited_where_they_are_known_and_only_there() -> None:
    production, development = installation("production"), installation("development")
    for ingress in of_kind(production, "Ingress"):
        annotations = ingress["metadata"]["annotations"]
        assert annotations["nginx.org/limit-req-rate"] == "1000r/s"
        assert annotations["nginx.ingress.kubernetes.io/limit-rps"] == "1000"
    for ingress in of_kind(development, "Ingress"):
        assert not any("limit" in name for name in ingress["metadata"]["annotations"])
    for thing in of_kind(production, "ConfigMap"):
        if thing["metadata"]["name"].endswith("-api"):
            # Behind the ingress everybody has its address.
            assert thing["data"]["RATE_LIMIT_ADDRESS_PER_SECOND"] == "0"


def test_an_http_route_says_the_same_as_the_ingress_of_its_host() -> None:
    things = installation("production", options=True)
    routes = of_kind(things, "HTTPRoute")
    assert len(routes) == 2
    for route in routes:
        (ingress,) = [
            each for each in of_kind(things, "Ingress") if each["metadata"]["name"] == route["metadata"]["name"]
        ]
        (rule,) = ingress["spec"]["rules"]
        assert route["spec"]["hostnames"] == [rule["host"]]
        paths = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
        assert {
            value: each["backendRefs"][0]["name"]
            for (kind, value), each in rules_of(route).items()
            if kind == "PathPrefix"
        } == paths
        # What has a rule of its own besides leads to the same service.
        for (kind, value), each in rules_of(route).items():
            prefix = max((path for path in paths if value.startswith(path)), key=len)
            assert each["backendRefs"][0]["name"] == paths[prefix], (kind, value)


def rules_of(route: Thing) -> dict[tuple[str, str], Thing]:
    """The rules of an HTTPRoute by the type and the value of each path that they match."""
    return {
        (match["path"]["type"], match["path"]["value"]): rule
        for rule in route["spec"]["rules"]
        for match in rule["matches"]
        if "headers" not in match
    }


def methods(*, harmless: bool) -> set[str]:
    """The paths of the unary methods that change nothing, or of those that do."""
    return {
        f"/{service.desc().type_name}/{method.name}"
        for service in (BidService, UserStatsService)
        for method in service.desc().methods
        if method.method_kind == "unary" and ("NO_SIDE_EFFECTS" in str(method.idempotency)) == harmless
    }


def test_a_node_that_is_gone_costs_seconds_and_no_quiet_stream_is_ended(things: list[Thing]) -> None:
    for ingress in of_kind(things, "Ingress"):
        annotations = ingress["metadata"]["annotations"]
        for controller, second in (("nginx.org", "s"), ("nginx.ingress.kubernetes.io", "")):
            assert annotations[f"{controller}/proxy-connect-timeout"] == f"2{second}"
            assert annotations[f"{controller}/proxy-next-upstream"] == "error timeout"
            # Longer than a stream is silent, which has a heartbeat every 15 s, and than any call takes.
            assert annotations[f"{controller}/proxy-read-timeout"] == f"60{second}"
    for route in of_kind(things, "HTTPRoute"):
        rules = rules_of(route)
        for path, rule in rules.items():
            endless = path == ("Exact", "/bids.v1.BidService/WatchItems")
            assert rule["timeouts"]["request"] == ("0s" if endless else "30s")
            # Gavel itself would have answered by then.
            assert endless or float(rule["timeouts"]["backendRequest"].removesuffix("s")) > CALL_SECONDS_MAX


def test_a_gateway_sends_again_what_does_no_harm_where_it_is_asked_to() -> None:
    for route in of_kind(installation("production", options=True), "HTTPRoute"):
        again = {value for (_, value), rule in rules_of(route).items() if "retry" in rule}
        assert again == methods(harmless=True)
        headers = [
            (match["path"]["value"], match["headers"][0]["name"])
            for rule in route["spec"]["rules"]
            if "retry" in rule
            for match in rule["matches"]
            if "headers" in match
        ]
        assert headers == [
            (path, "Idempotency-Key") for path in ("/bids.v1.BidService/", "/userstats.v1.UserStatsService/")
        ]
    plain = render("web", "--values", str(CHARTS / "web" / "values-production.yaml"), *GATEWAY)
    assert of_kind(plain, "HTTPRoute")
    assert "retry" not in str(plain)
