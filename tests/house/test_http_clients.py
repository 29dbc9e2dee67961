"""No HTTP client of ours asks this machine's loopback through a proxy that the environment names."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT, named, tracked_files
from tests.proxies import DEAD_PROXY

# Each kind of client that goes by HTTP_PROXY and the like, unless what stands beside it on the line says otherwise.
CLIENTS = [
    (re.compile(r"\b(urlopen|urlretrieve|install_opener)\("), None),
    (re.compile(r"\bbuild_opener\("), re.compile(r"build_opener\(urllib\.request\.ProxyHandler\(\{\}\)\)")),
    (re.compile(r"\brequests\.(get|post|put|head|request|Session)\("), None),
    (re.compile(r"\bhttpx\.(AsyncClient|Client|get|post|stream|request)\("), re.compile(r"trust_env=False")),
    (re.compile(r"\baiohttp\.ClientSession\("), re.compile(r"trust_env=False")),
    (re.compile(r"\bPyJWKClient\("), None),
    (re.compile(r"\bOTLPSpanExporter\("), re.compile(r"session=")),
    # They use pyqwest, which can't be kept from a proxy of the environment; `gavel bidders` has its own connection.
    (re.compile(r"(?<!class )\b\w+ServiceClient(Sync)?\("), None),
    (re.compile(r"^\s*(import|from) pyqwest\b"), None),
    (re.compile(r"(^|[\s;|&(`@\"'\[])(curl|wget)\s+([-\"'$]|https?:)"), re.compile(r"--noproxy|--no-proxy")),
]
# Files that may ask another machine, and have a test that they ask this one directly.
ALLOWED = {
    # tests/integration/test_tracing.py::test_a_collector_on_this_machine_is_asked_directly_whatever_proxy_is_named
    "src/gavel/runtime/telemetry/tracing.py": "requests.Session(",
    # The command that a person pastes; `tests/unit/test_demo.py` holds it.
    "src/gavel/cli/demo.py": "curl ",
}
# Tests of the page, in Node and a browser: web/e2e/direct.ts removes the variables.
BROWSER_CONFIGURATIONS = ["web/playwright.config.ts", "web/playwright.screenshots.config.ts"]


def asks_by_environment(line: str) -> bool:
    """Whether a line makes a client that asks whatever proxy the environment names."""
    return any(client.search(line) and not (but and but.search(line)) for client, but in CLIENTS)


def product_files() -> list[Path]:
    """What runs outside the tests: Python, scripts, and all that runs a command."""
    kinds = {".py", ".sh", ".yaml", ".yml", ".tpl", ".ts", ".json", ".toml", ".conf"}
    return [
        path
        for path in tracked_files()
        if path.suffix in kinds or path.name in ("Makefile", "Tiltfile", "run") or path.name.endswith("Dockerfile")
        if not named(path).startswith("tests/") and path.name != "package-lock.json"
    ]


def test_every_client_asks_the_loopback_directly() -> None:
    files = product_files()
    assert {"compose.yaml", "Makefile", "scripts/verify_deployment.py", ".ci/run"} <= {named(path) for path in files}
    found = [
        f"{named(path)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if asks_by_environment(line) and ALLOWED.get(named(path), "\n") not in line
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "urllib.request.urlopen(url, timeout=2)",
        "opener = build_opener()",
        "requests.get(url)",
        "async with httpx.AsyncClient(timeout=30) as http:",
        "httpx.get(url)",
        "aiohttp.ClientSession()",
        "keys = PyJWKClient(url)",
        "OTLPSpanExporter(endpoint=url)",
        'bids = BidServiceClient("http://127.0.0.1:8080")',
        "with UserStatsServiceClientSync(url, http_client=http) as client:",
        "from pyqwest import Client",
        "curl -fsS http://127.0.0.1:9090/readyz",
        'test: ["CMD-SHELL", "wget -q http://localhost:8080/livez"]',
        '\t@curl "$URL"',
    ],
)
def test_the_rule_on_clients_would_notice(line: str) -> None:
    assert asks_by_environment(line)


@pytest.mark.parametrize(
    "line",
    [
        "open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open",
        "httpx.AsyncClient(trust_env=False)",
        "OTLPSpanExporter(endpoint=url, session=_session(url))",
        "curl --noproxy '*' http://127.0.0.1:9090/readyz",
        "class BidServiceClient(ConnectClient):",
        'HTTPConnection("127.0.0.1", 9090, timeout=2)',
    ],
)
def test_the_rule_on_clients_lets_those_through_that_ask_directly(line: str) -> None:
    assert not asks_by_environment(line)


def test_the_tests_ask_no_proxy() -> None:
    asked = "import tests.conftest, urllib.request; print(urllib.request.getproxies())"
    environment = os.environ | DEAD_PROXY
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "{}"


@pytest.mark.parametrize("configuration", BROWSER_CONFIGURATIONS)
def test_the_tests_of_the_page_ask_no_proxy(configuration: str) -> None:
    assert (ROOT / configuration).read_text(encoding="utf-8").startswith('import "./e2e/direct";\n')
    removed = set(re.findall(r'"(\w+)"', (ROOT / "web" / "e2e" / "direct.ts").read_text(encoding="utf-8")))
    assert {name.lower() for name in DEAD_PROXY} <= removed
