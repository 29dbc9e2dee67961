"""A built web page, served from a folder: one document for every address, and the files that it names."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from wsgiref.headers import Headers

from servestatic import ServeStaticASGI

from gavel.runtime.serve import Asgi, Receive, Scope, Send

DOCUMENT = "/index.html"
# A build names what lies here by its content.
ASSETS = "/assets/"


class PageNotBuilt(Exception):
    """There is no page in the folder."""


def web_page(folder: Path, otherwise: Asgi, origins: Sequence[str] = ()) -> Asgi:
    """An application that serves the page, and leaves to `otherwise` what is none of it.

    GET of a path without a dot is an address within the page. The page may call its own server and `origins`.
    The files are known from the start: a later build wants a new start. Raises PageNotBuilt.
    """
    if not (folder / DOCUMENT[1:]).is_file():
        raise PageNotBuilt(folder)
    files = _files(folder, otherwise, security_headers(origins))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_address = scope["method"] in ("GET", "HEAD") and "." not in scope["path"]
        await files({**scope, "path": DOCUMENT} if is_address else scope, receive, send)

    return app


def _files(folder: Path, otherwise: Asgi, headers: Sequence[tuple[str, str]]) -> Asgi:
    def add_headers(to: Headers, _path: str, url: str) -> None:
        for name, value in headers:
            to[name] = value
        if not url.startswith(ASSETS):
            to["Cache-Control"] = "no-cache"

    return ServeStaticASGI(
        otherwise,
        folder,
        immutable_file_test=f"^{ASSETS}",
        allow_all_origins=False,
        add_headers_function=add_headers,
    )


def security_headers(origins: Iterable[str]) -> list[tuple[str, str]]:
    """What a browser is told about the page: nothing inline, no frame, nothing from elsewhere but pictures."""
    policy = {
        "default-src": "'self'",
        # Sellers' pictures come from anywhere, but encrypted.
        "img-src": "'self' https: data:",
        "connect-src": " ".join(("'self'", *origins)),
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return [
        ("Content-Security-Policy", "; ".join(f"{name} {sources}" for name, sources in policy.items())),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ]
