"""CORS_ORIGINS: origins as browsers send them, or a mistake that is reported at start."""

import pytest

from gavel.runtime.http.cors import origins_of
from gavel.runtime.http.settings import HttpSettings
from gavel.runtime.process.settings import SettingsInvalid, load_settings

AS_BROWSERS_SEND = {
    "https://app.example": "https://app.example",
    "https://app.example/": "https://app.example",
    "HTTPS://App.Example": "https://app.example",
    "https://app.example:443": "https://app.example",
    "http://app.example:80/": "http://app.example",
    "http://app.example:443": "http://app.example:443",
    "http://localhost:5173": "http://localhost:5173",
    "https://bücher.example": "https://xn--bcher-kva.example",
    "https://faß.example": "https://xn--fa-hia.example",
    "https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
    "http://127.1:3000": "http://127.0.0.1:3000",
    "http://[0:0::1]:5173": "http://[::1]:5173",
    "https://under_score.example": "https://under_score.example",
}
NO_ORIGINS = [
    "*",
    "null",
    "app.example",
    "app.example:443",
    "//app.example",
    "https://",
    "https://*.example",
    "https://%2a.example",
    "https://app.example/path",
    "https://app.example/?",
    "https://app.example?query",
    "https://app.example#fragment",
    "https://user@app.example",
    "https://user:secret@app.example",
    "https://app.example:99999",
    "https://app.example;https://other.example",
    '"https://app.example"',
    "https://a\u200db.example",
    "file:///app",
    "ws://app.example",
    "capacitor://localhost",
]


@pytest.mark.parametrize("written", AS_BROWSERS_SEND)
def test_an_origin_is_taken_as_browsers_send_it(written: str) -> None:
    assert origins_of([written]) == (AS_BROWSERS_SEND[written],)


@pytest.mark.parametrize("written", NO_ORIGINS)
def test_what_is_no_origin_is_refused_by_its_place_in_the_list_without_its_value(written: str) -> None:
    with pytest.raises(ValueError, match=r"^entry 2 is not an origin: .*https://app\.example:8443") as refused:
        origins_of(["https://first.example", written])
    assert "secret" not in str(refused.value)


def test_each_origin_is_kept_once() -> None:
    listed = ["https://b.example", "https://a.example/", "HTTPS://B.EXAMPLE:443"]
    assert origins_of(listed) == ("https://b.example", "https://a.example")


def _settings(monkeypatch: pytest.MonkeyPatch, listed: str) -> HttpSettings:
    monkeypatch.setenv("AUTH_MODE", "trusted")
    monkeypatch.setenv("CORS_ORIGINS", listed)
    return load_settings(HttpSettings)


@pytest.mark.parametrize("blank", ["", " ", ",", " , ,"])
def test_a_blank_list_has_no_origins(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    assert _settings(monkeypatch, blank).cors_origins == ()


def test_origins_are_separated_by_commas_or_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(monkeypatch, "https://a.example/, https://b.example  HTTP://localhost:80,\n")
    assert settings.cors_origins == ("https://a.example", "https://b.example", "http://localhost")


def test_a_mistake_is_reported_in_one_line_that_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PORT", "nowhere")
    with pytest.raises(SettingsInvalid) as refused:
        _settings(monkeypatch, "https://a.example, app.example/secret")
    lines = [line for line in str(refused.value).splitlines() if "CORS" in line]
    assert len(lines) == 1
    assert lines[0].startswith("  CORS_ORIGINS: entry 2 is not an origin: ")
    assert "secret" not in str(refused.value)
    assert "HTTP_PORT" in str(refused.value)
