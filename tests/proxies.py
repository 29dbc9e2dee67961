"""HTTP proxies that the environment names: none in the tests, whose servers are all on this machine."""

from collections.abc import MutableMapping

_SCHEMES = ("http", "https", "all")
_NAMES = {f"{scheme}_proxy" for scheme in (*_SCHEMES, "ftp", "no")}

# Nothing listens there: a client gets no answer.
DEAD_PROXY = {name: "http://127.0.0.1:9" for each in _SCHEMES for name in (f"{each}_proxy", f"{each}_proxy".upper())}


def forget_proxies(environment: MutableMapping[str, str]) -> None:
    """Remove every variable that names a proxy, or says what is not asked through one."""
    for name in [name for name in environment if name.lower() in _NAMES]:
        del environment[name]
