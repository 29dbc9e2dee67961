"""What `gavel standalone` shows to be copied."""

import pytest

from gavel.cli.demo import curl_command
from tests.proxies import DEAD_PROXY, forget_proxies


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names no proxy."""
    for name in [*DEAD_PROXY, "no_proxy", "NO_PROXY"]:
        monkeypatch.delenv(name, raising=False)


def test_the_command_asks_this_machine_directly_where_a_proxy_would_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "proxy" not in curl_command("http://127.0.0.1:8080")
    monkeypatch.setenv("http_proxy", DEAD_PROXY["http_proxy"])
    assert "--noproxy '*'" in curl_command("http://127.0.0.1:8080")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert "proxy" not in curl_command("http://127.0.0.1:8080")


def test_tests_forget_every_spelling_of_a_proxy() -> None:
    environment = {**DEAD_PROXY, "NO_PROXY": "*", "no_proxy": "*", "HTTP_PORT": "8080"}
    forget_proxies(environment)
    assert environment == {"HTTP_PORT": "8080"}
