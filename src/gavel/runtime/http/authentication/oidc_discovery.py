"""OpenID Connect Discovery: the identity provider's discovery document and key set (RFC 7517), fetched over HTTP.

Every failure is a FetchFailed whose text names the URL and the reason in one line. The text has no body, no query and
no password of a URL.
"""

import asyncio
import json
import re
import threading
import time
from concurrent.futures import Future
from http.client import HTTPException, HTTPResponse
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from gavel import __version__
from gavel.runtime.http.authentication.token_keys import RENEW_SECONDS, FetchFailed, FetchKeySet
from gavel.runtime.loopback import is_loopback
from gavel.runtime.process.loops import Loop

# Some firewalls refuse Python's default user agent.
USER_AGENT = f"gavel/{__version__}"
# For each wait on the network, and for a whole document.
FETCH_SECONDS_MAX = 5.0
# The largest providers send some tens of kilobytes.
DOCUMENT_BYTES_MAX = 1_048_576

# What a content security policy can hold: no user, no separator of sources or directives.
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")
_DISCOVERY_PATH = "/.well-known/openid-configuration"
_READ_BYTES = 65_536
_REASON_CHARACTERS_MAX = 200


def key_set_at(url: str) -> FetchKeySet:
    """Make a function that fetches the key set at a URL."""
    fetcher = _Fetcher()

    async def fetch() -> dict[str, Any]:
        return await fetcher.get(url)

    return fetch


def discovered_key_set(issuer: str) -> FetchKeySet:
    """Make a function that fetches the key set which the issuer's discovery document names."""
    document_url = _document_url(issuer)
    fetcher = _Fetcher()

    async def fetch() -> dict[str, Any]:
        return await fetcher.get(key_set_url(issuer, document_url, await fetcher.get(document_url)))

    return fetch


class LoginOrigins:
    """The origins that a page calls to sign its user in: the issuer's, and that of its token endpoint once it is known.

    Without an issuer there are none.
    """

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._origins = tuple(filter(None, (_origin(issuer),)))
        self._fetcher = _Fetcher()

    def __call__(self) -> tuple[str, ...]:
        """The origins that are known now."""
        return self._origins

    def renewing(self) -> Loop:
        """Make the loop that keeps the origins current."""
        return Loop("login-origins", self._renew, RENEW_SECONDS, (FetchFailed,))

    async def _renew(self) -> bool:
        if self._origins:
            document_url = _document_url(self._issuer)
            self._origins = login_origins(self._issuer, document_url, await self._fetcher.get(document_url))
        return False


def login_origins(issuer: str, document_url: str, document: dict[str, Any]) -> tuple[str, ...]:
    """The origins of the issuer and of its token endpoint. Raises FetchFailed if that must not be used."""
    _check_issuer(issuer, document_url, document)
    token_endpoint = _origin(str(document.get("token_endpoint")))
    if token_endpoint and not _is_as_safe(token_endpoint, issuer):
        raise FetchFailed(
            f"{_shown(document_url)} names the token endpoint {token_endpoint}, which is not https as the issuer is:"
            " correct the provider"
        )
    return tuple(dict.fromkeys(filter(None, (_origin(issuer), token_endpoint))))


def key_set_url(issuer: str, document_url: str, document: dict[str, Any]) -> str:
    """The `jwks_uri` of a discovery document. Raises FetchFailed if it must not be used."""
    _check_issuer(issuer, document_url, document)
    url = document.get("jwks_uri")
    if not isinstance(url, str) or not url:
        raise FetchFailed(f"{_shown(document_url)} has no jwks_uri: set JWT_JWKS_URL")
    if not _is_as_safe(url, issuer):
        raise FetchFailed(
            f"{_shown(document_url)} names the key set {_shown(url)}, which is not https as the issuer is:"
            " correct the provider, or set JWT_JWKS_URL"
        )
    return url


def _is_as_safe(url: str, issuer: str) -> bool:
    return url.startswith("https://") or urlsplit(issuer).scheme != "https"


def _document_url(issuer: str) -> str:
    return issuer.rstrip("/") + _DISCOVERY_PATH


def _check_issuer(issuer: str, document_url: str, document: dict[str, Any]) -> None:
    """Raise FetchFailed unless the document is that of the issuer."""
    named = document.get("issuer")
    if named != issuer:
        given = repr(_one_line(named)) if isinstance(named, str) else "none"
        raise FetchFailed(
            f"{_shown(document_url)} names the issuer {given}, but JWT_ISSUER is {issuer!r}:"
            " they must be equal, trailing slash included"
        )


def _origin(url: str) -> str | None:
    """The origin of an http or https URL, in a form that a header can hold; None if it has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin if _ORIGIN.fullmatch(origin) else None


class _Fetcher:
    """HTTP requests, one at a time, in a thread that does not delay the exit of the process.

    A server that sends its headers byte by byte can hold that thread for any time, but nothing else.
    """

    def __init__(self) -> None:
        self._free = threading.Semaphore()

    async def get(self, url: str) -> dict[str, Any]:
        """Fetch a JSON object. Raises FetchFailed."""
        if not self._free.acquire(blocking=False):
            raise FetchFailed(f"{_shown(url)} is not asked, since the request before has not ended")
        future = Future[dict[str, Any]]()
        # Cancelling the wait must not cancel the request.
        future.set_running_or_notify_cancel()
        threading.Thread(target=self._run, args=(url, future), name="oidc-discovery", daemon=True).start()
        return await asyncio.wrap_future(future)

    def _run(self, url: str, future: Future[dict[str, Any]]) -> None:
        try:
            found = _read_object(url)
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            self._free.release()
            future.set_exception(error)
        else:
            self._free.release()
            future.set_result(found)


def _read_object(url: str) -> dict[str, Any]:
    """Fetch a JSON object. Raises FetchFailed."""
    shown = _shown(url)
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not of the web")
        request = Request(url, headers={"User-Agent": USER_AGENT, "Accept": "application/json"})  # noqa: S310 - see above
        with _opener(url).open(request, timeout=FETCH_SECONDS_MAX) as response:
            return _object_of(response, shown)
    except HTTPError as error:
        with error:
            raise FetchFailed(f"{shown} answered {_status(error)}") from error
    except TimeoutError as error:
        raise FetchFailed(f"{shown} did not answer within {FETCH_SECONDS_MAX:g} s") from error
    except OSError as error:
        raise FetchFailed(f"{shown} can't be reached: {_reason(error)}") from error
    except HTTPException as error:
        raise FetchFailed(f"{shown} did not answer in HTTP ({type(error).__name__})") from error
    except ValueError as error:
        # The error's own text may quote a password from the URL.
        raise FetchFailed(f"{shown} is not an http or https URL that can be fetched") from error


def _object_of(response: HTTPResponse, shown: str) -> dict[str, Any]:
    deadline_seconds = time.monotonic() + FETCH_SECONDS_MAX
    body = bytearray()
    while chunk := response.read1(_READ_BYTES):
        body += chunk
        if len(body) > DOCUMENT_BYTES_MAX:
            raise FetchFailed(f"{shown} sent more than {DOCUMENT_BYTES_MAX} bytes")
        if time.monotonic() > deadline_seconds:
            raise TimeoutError
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        content_type = _one_line(response.headers.get("Content-Type", "none"))
        raise FetchFailed(f"{shown} answered {response.status} with content type {content_type}, not a JSON object")
    return cast("dict[str, Any]", value)


def _opener(url: str) -> OpenerDirector:
    """HTTP client without redirects: keys come only from the address that the settings name.

    Loopback is never reached through a proxy; elsewhere HTTPS_PROXY, HTTP_PROXY and NO_PROXY hold.
    """
    proxies = ProxyHandler({} if is_loopback(urlsplit(url).hostname or "") else None)
    opener = OpenerDirector()
    for handler in (proxies, HTTPHandler(), HTTPSHandler(), HTTPDefaultErrorHandler(), HTTPErrorProcessor()):
        opener.add_handler(handler)
    return opener


def _status(error: HTTPError) -> str:
    target = error.headers.get("Location")
    if target is None:
        return f"status {error.code}"
    return (
        f"status {error.code}, a redirect to {_shown(target)}, which is not followed:"
        " set JWT_ISSUER or JWT_JWKS_URL to the final address"
    )


def _reason(error: OSError) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    return _one_line(str(reason)) or type(reason).__name__


def _shown(url: str) -> str:
    """A URL without a user, password, query or fragment, any of which may hold a secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a malformed URL"
    return _one_line(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl())


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_REASON_CHARACTERS_MAX]
