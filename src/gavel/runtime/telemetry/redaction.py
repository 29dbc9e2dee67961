"""Redaction of log lines: passwords in addresses, tokens, and the values of keys that name a secret."""

import re
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

REDACTED = "[redacted]"

_SECRET_NAMES = ("password", "passwd", "secret", "token", "authorization", "cookie", "credential", "api_key", "apikey")

# The password of a URL's authority, and of a query; a bearer token; a JSON Web Token by its shape, wherever it stands.
_SECRETS = re.compile(
    r"(?P<authority>\b[a-z][a-z0-9+.-]*://[^\s/:@\"']*:)[^\s/\"']*(?=@)"
    r"|(?P<query>[?&](?:password|passwd|token|access_token|secret)=)[^\s&\"']+"
    r"|(?P<bearer>\bbearer\s+)[\w.~+/=-]+"
    r"|\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?",
    re.IGNORECASE,
)


def redact_text(text: str) -> str:
    """Redact the passwords and tokens of a text."""
    return _SECRETS.sub(lambda found: f"{next(filter(None, found.groups()), '')}{REDACTED}", text)


Processor = Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]


def key_redactor(more_names: Iterable[str]) -> Processor:
    """Make a processor that redacts the values of keys that hold the name of a secret: the usual ones, and more."""
    names_a_secret = re.compile("|".join(map(re.escape, (*_SECRET_NAMES, *more_names))), re.IGNORECASE).search

    def redact_keys(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for key in event:
            if names_a_secret(key) and event[key] is not None:
                event[key] = REDACTED
        return event

    return redact_keys


def redact_line(_logger: Any, _method: str, line: Any) -> str:
    """Processor after the renderer: redact the whole line, an exception's text included."""
    return redact_text(line)
