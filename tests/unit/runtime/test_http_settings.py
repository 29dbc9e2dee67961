"""HTTP settings from the environment: what a blank one means."""

import pytest

from gavel.runtime.http.settings import HttpSettings
from gavel.runtime.process.settings import load_settings


@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.parametrize("auth_mode", ["trusted", "jwt"])
def test_a_blank_host_is_the_loopback_and_not_every_address(
    auth_mode: str, blank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH_MODE", auth_mode)
    monkeypatch.setenv("JWT_ISSUER", "https://login.example")
    monkeypatch.setenv("JWT_AUDIENCE", "gavel")
    monkeypatch.setenv("HTTP_HOST", blank)
    assert load_settings(HttpSettings).http_host == "127.0.0.1"
    monkeypatch.setenv("HTTP_HOST", "::1")
    assert load_settings(HttpSettings).http_host == "::1"
