"""What no log line may show, whoever wrote it: passwords in addresses, tokens, and values under telling names."""

import re
from collections.abc import MutableMapping
from typing import Any

REDACTED = "[redacted]"

# Hidden prices too: they are their owners' alone.
_SECRET_KEY = re.compile(
    r"password|passwd|secret|token|authorization|cookie|credential|api_?key|maximum|max_amount|reserve", re.IGNORECASE
).search

# The password of a URL's authority, and of a query; a bearer token; a JSON Web Token by its shape, wherever it stands.
_SECRETS = re.compile(
    r"(?P<authority>\b[a-z][a-z0-9+.-]*://[^\s/:@\"']*:)[^\s/\"']*(?=@)"
    r"|(?P<query>[?&](?:password|passwd|token|access_token|secret)=)[^\s&\"']+"
    r"|(?P<bearer>\bbearer\s+)[\w.~+/=-]+"
    r"|\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?",
    re.IGNORECASE,
)


def redact_text(text: str) -> str:
    """The text with its passwords and tokens taken out."""
    return _SECRETS.sub(lambda found: f"{next(filter(None, found.groups()), '')}{REDACTED}", text)


def redact_keys(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor: take out the values of keys that name a secret."""
    for key in event:
        if _SECRET_KEY(key) and event[key] is not None:
            event[key] = REDACTED
    return event


def redact_line(_logger: Any, _method: str, line: Any) -> str:
    """Processor for after the renderer: whatever is in the line by now, an exception's text too."""
    return redact_text(line)
