"""Static web page, served from a build folder: one document for every address, and the files that it names."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from wsgiref.headers import Headers

from servestatic import ServeStaticASGI

from gavel.runtime.http.asgi import Asgi, Receive, Scope, Send
from gavel.runtime.http.exchange import NO_PAGE

DOCUMENT = "/index.html"
# Names of files here contain a hash of their content, so they never change.
ASSETS = "/assets/"


class WebPage:
    """ASGI application that serves the newest build in a folder, also one made after the start.

    GET of a path without a dot returns the document. What is not in the build is 404, and everything while there is
    none. The page may call its own server and `origins()`, which may change.
    """

    def __init__(self, folder: Path, origins: Callable[[], Sequence[str]] = tuple) -> None:
        self._folder = folder
        self._origins = origins
        self._files: Asgi | None = None
        self._made_of: tuple[int, Sequence[str]] = (0, ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        files = self._current()
        if files is None:
            await _no_page(scope, receive, send)
            return
        is_address = scope["method"] in ("GET", "HEAD") and "." not in scope["path"]
        await files({**scope, "path": DOCUMENT} if is_address else scope, receive, send)

    @property
    def is_built(self) -> bool:
        """Whether there is a build."""
        return self._current() is not None

    def _current(self) -> Asgi | None:
        """The files of the newest build. A build replaces the whole folder, and its document is always new."""
        try:
            made_of = ((self._folder / DOCUMENT[1:]).stat().st_mtime_ns, self._origins())
        except OSError:
            return None
        if self._files is None or made_of != self._made_of:
            self._files, self._made_of = _files(self._folder, security_headers(made_of[1])), made_of
        return self._files


async def _no_page(_scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": NO_PAGE.status, "headers": headers})
    await send({"type": "http.response.body", "body": NO_PAGE.body})


def _files(folder: Path, headers: Sequence[tuple[str, str]]) -> Asgi:
    def add_headers(to: Headers, _path: str, url: str) -> None:
        for name, value in headers:
            to[name] = value
        if not url.startswith(ASSETS):
            to["Cache-Control"] = "no-cache"

    return ServeStaticASGI(
        _no_page,
        folder,
        immutable_file_test=f"^{ASSETS}",
        allow_all_origins=False,
        add_headers_function=add_headers,
    )


def security_headers(origins: Iterable[str]) -> list[tuple[str, str]]:
    """Security headers of the page: nothing inline, no frame; from elsewhere only images and replies of `origins`."""
    policy = {
        "default-src": "'self'",
        # Sellers' pictures come from any host, but over HTTPS.
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
