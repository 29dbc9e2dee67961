"""The page's image serves what Gavel itself would: a real nginx with the image's own configuration."""

import gzip
import json
import urllib.error
import urllib.request
from collections.abc import Generator
from email.message import Message
from pathlib import Path

import pytest

from gavel.runtime.http.static_page import security_headers
from tests.deploy.rendered import ROOT, installation, of_kind
from tests.servers.nginx import running_nginx

pytestmark = pytest.mark.integration

CONFIGURATION = ROOT / "deploy" / "web" / "nginx.conf"
SCRIPT = b"console.log('the page');" * 100


def get(url: str, **headers: str) -> tuple[int, Message, bytes]:
    """Status, headers and body of a GET."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as reply:
            return reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@pytest.fixture(scope="module")
def server() -> Generator[str]:
    """The URL of a running nginx with a small page."""
    with running_nginx(_configured) as url:
        yield url


def _configured(folder: Path, port: int) -> str:
    page = folder / "html"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>Gavel</title>")
    (page / "assets" / "page-1a2b.js").write_bytes(SCRIPT)
    (page / "assets" / "page-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    text = CONFIGURATION.read_text(encoding="utf-8")
    # The first first: the folder is itself below /tmp.
    for there, here in {
        "/tmp/": f"{folder}/",
        "listen 8080": f"listen 127.0.0.1:{port}",
        "listen [::]:8080": f"listen [::1]:{port}",
        "/usr/share/nginx/html": str(page),
        "/etc/gavel": str(ROOT / "deploy" / "web" / "installation"),
    }.items():
        assert there in text
        text = text.replace(there, here)
    return text


@pytest.mark.parametrize(
    "path", ["/", "/items/0190-some-item", "/me", "/page.json", "/assets/page-1a2b.js", "/none.js"]
)
def test_everything_bears_the_headers_that_gavel_itself_would_send(server: str, path: str) -> None:
    _, headers, _ = get(server + path)
    sent = {name: headers[name] for name, _ in security_headers(())}
    assert {name: sorted(value.split("; ")) for name, value in sent.items()} == {
        name: sorted(value.split("; ")) for name, value in security_headers(())
    }
    assert headers["Server"] == "nginx"


@pytest.mark.parametrize("path", ["/", "/items/0190-some-item", "/me"])
def test_an_address_within_the_page_is_the_page_asked_for_again_each_time(server: str, path: str) -> None:
    status, headers, body = get(server + path)
    assert (status, headers["Cache-Control"]) == (200, "no-cache")
    assert b"<title>Gavel</title>" in body


def test_a_file_named_by_its_content_is_kept_for_ever_and_sent_compressed(server: str) -> None:
    status, headers, body = get(server + "/assets/page-1a2b.js", **{"Accept-Encoding": "gzip"})
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert "immutable" in headers["Cache-Control"]
    assert gzip.decompress(body) == SCRIPT


def test_a_file_that_is_not_there_is_not_the_page(server: str) -> None:
    assert get(server + "/none.js")[0] == 404
    assert get(server + "/.git/config")[0] == 404


def test_the_page_gets_the_settings_of_its_installation(server: str) -> None:
    _, headers, body = get(server + "/page.json")
    assert json.loads(body) == {"auth_mode": "trusted", "currency": "USD"}
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "no-cache"


def test_the_probe_is_answered(server: str) -> None:
    assert get(server + "/livez")[0] == 200


def test_it_is_served_in_a_cluster_with_either_family_of_addresses(server: str) -> None:
    assert get(server.replace("127.0.0.1", "[::1]") + "/")[0] == 200


def test_the_chart_writes_the_policy_that_the_image_has_and_adds_the_provider() -> None:
    written: dict[str, dict[str, str]] = {}
    for name in ("development", "production"):
        (settings,) = [
            each for each in of_kind(installation(name), "ConfigMap") if each["metadata"]["name"] == "web-page"
        ]
        written[name] = settings["data"]
    image = (ROOT / "deploy" / "web" / "installation" / "policy.conf").read_text(encoding="utf-8").splitlines()[-1]
    assert written["development"]["policy.conf"].strip() == image
    provider = security_headers(["https://login.example.com"])[0][1]
    policy = written["production"]["policy.conf"].split('"')[1]
    assert sorted(policy.split("; ")) == sorted(provider.split("; "))
    assert json.loads(written["production"]["page.json"])["auth_mode"] == "jwt"
