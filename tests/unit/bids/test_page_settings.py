"""What the page is told: where to sign in, if anywhere, and where it may call for it."""

import pytest

from gavel.bids.settings import BidApiSettings
from gavel.standalone import PAGE_FOLDER, StandaloneSettings

ISSUER = "https://login.test/realms/gavel"


def _settings(**fields: str) -> BidApiSettings:
    return BidApiSettings.model_validate({"bid_db_url": "postgresql://localhost/bid_db", **fields})


def test_in_trusted_mode_the_page_offers_no_login() -> None:
    settings = _settings(auth_mode="trusted", house_currency="EUR", page_login_client_id="page")
    assert settings.page() == {"auth_mode": "trusted", "currency": "EUR"}
    assert settings.login_issuer() == ""


def test_with_tokens_the_page_offers_the_providers_login_where_it_has_a_name_there() -> None:
    tokens = {"auth_mode": "jwt", "jwt_issuer": ISSUER, "jwt_audience": "gavel"}
    named = _settings(**tokens, page_login_client_id="page")
    login = {"issuer": ISSUER, "client_id": "page", "scope": "openid profile"}
    assert named.page() == {"auth_mode": "jwt", "currency": "USD", "login": login}
    assert named.login_issuer() == ISSUER
    assert "login" not in _settings(**tokens).page()


@pytest.mark.parametrize("issuer", ["gavel", "https://"])
def test_an_issuer_that_is_no_address_has_no_login(issuer: str) -> None:
    settings = _settings(
        auth_mode="jwt",
        jwt_issuer=issuer,
        jwt_audience="gavel",
        jwt_jwks_url="https://keys.test/keys",
        page_login_client_id="page",
    )
    assert settings.login_issuer() == ""


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_folder_of_the_page_is_the_default_and_not_the_working_folder(
    blank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH_MODE", "trusted")
    monkeypatch.setenv("GAVEL_PAGE_DIR", blank)
    assert StandaloneSettings.model_validate({}).gavel_page_dir == PAGE_FOLDER
    monkeypatch.setenv("GAVEL_PAGE_DIR", "/built")
    assert str(StandaloneSettings.model_validate({}).gavel_page_dir) == "/built"
