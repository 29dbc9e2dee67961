"""Addresses: by which key a client is limited, trusted proxies, what each client holds, and names of the server."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from gavel.runtime.http.request_parser import Header
from gavel.runtime.loopback import is_loopback

Network = IPv4Network | IPv6Network

# Calls through a proxy on this machine, from the demo and from the benchmark come from the loopback.
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
FORWARDED, X_FORWARDED_FOR = b"forwarded", b"x-forwarded-for"
# A proxy may write a name of its own instead of an address (RFC 7239, 6.3).
NAME_CHARACTERS_MAX = 64

# The node of one element of the Forwarded header, quoted if it is an IPv6 address.
_NODE = re.compile(r'(?:^|;)\s*for="?([^";]*)', re.IGNORECASE)
_HOST_PORT = re.compile(r":\d*\Z")
# A node with a port.
_PORT = re.compile(r"(\[[^\]]*\]|[^:]*):\w+")


class Addresses:
    """Reader of client addresses. Calls are limited by `key_of` an address; for IPv6 it is that of the /64 network.

    Addresses in `exempt` have no key: no limit of addresses applies to them. `proxies` are trusted: their connections
    are not limited, and the calls on them count for the address that `header` names. `hops` of them append to it.
    """

    def __init__(
        self,
        exempt: Sequence[Network] = LOOPBACK,
        proxies: Sequence[Network] = (),
        header: bytes = X_FORWARDED_FOR,
        hops: int = 1,
    ) -> None:
        self.has_proxies = bool(proxies)
        # Connections that were refused or cut, by reason.
        self.refused = {"connections": 0, "address_connections": 0, "unfinished": 0, "unread": 0}
        self._exempt = tuple(exempt)
        self._proxies = tuple(proxies)
        self._header = header
        self._hops = hops
        self.key_of = lru_cache(maxsize=4_096)(self._key_of)
        self.is_proxy = lru_cache(maxsize=4_096)(self._is_proxy)

    def key_of_peer(self, peer: str) -> str | None:
        """The key of a connection's peer; None if it is a trusted proxy, whose connections are many clients'."""
        return None if self.is_proxy(peer) else self.key_of(peer)

    def client_of(self, peer: str, headers: Iterable[Header]) -> str:
        """The client's address: the peer's, or behind trusted proxies the one that the first of them appended."""
        if not self.is_proxy(peer):
            return peer
        text = b",".join(value for name, value in headers if name == self._header).decode("latin-1")
        if not text:
            return peer
        # Counted from the right: what stands before it may be the client's own invention, and a client may well have an
        # address of the proxies' networks.
        elements = text.split(",")
        return self._node(elements[-min(self._hops, len(elements))])

    def key_of_call(self, peer: str, client: str) -> str | None:
        """The key of a call. None for a proxy's own; an address that a proxy names is never exempt."""
        return self.key_of_peer(peer) if client == peer else self.key_of(client) or client

    def _node(self, element: str) -> str:
        if self._header == FORWARDED:
            found = _NODE.search(element)
            element = found[1] if found else ""
        node = element.strip()
        if match := _PORT.fullmatch(node):
            node = match[1]
        return node.strip("[]")[:NAME_CHARACTERS_MAX]

    def _key_of(self, host: str) -> str | None:
        try:
            address = _address(host)
        except ValueError:
            return host or None
        if any(address in network for network in self._exempt):
            return None
        return str(address) if isinstance(address, IPv4Address) else str(ip_network((address, 64), strict=False))

    def _is_proxy(self, host: str) -> bool:
        try:
            address = _address(host)
        except ValueError:
            return False
        return any(address in network for network in self._proxies)


class HostNames:
    """Names under which a server is called: those of the loopback, and others.

    A page elsewhere can give its own name the address of this machine (DNS rebinding), and is then of the same origin
    as the server for a browser. Only the Host field shows it.
    """

    def __init__(self, others: Iterable[str] = ()) -> None:
        self._others = frozenset(name.lower() for name in others)
        self.has = lru_cache(maxsize=256)(self._has)

    def _has(self, field: bytes) -> bool:
        """Whether this Host field, with or without a port, has one of the names."""
        name = _HOST_PORT.sub("", field.decode("latin-1").lower()).strip("[]")
        return is_loopback(name) or name.endswith(".localhost") or name in self._others


class Tally:
    """Count of what each key holds now. Nothing is counted without a key; a key that holds nothing takes no memory."""

    def __init__(self) -> None:
        self._held: dict[str, int] = {}

    def add(self, key: str | None, count: int = 1) -> int:
        """Count some more, and return how many the key holds; 0 without a key."""
        if key is None:
            return 0
        held = self._held[key] = self._held.get(key, 0) + count
        return held

    def held(self, key: str | None) -> int:
        """How many the key holds; 0 without a key."""
        return 0 if key is None else self._held.get(key, 0)

    def drop(self, key: str | None, count: int = 1) -> None:
        """Count some less."""
        if key is not None and (left := self._held.get(key, 0) - count) > 0:
            self._held[key] = left
        elif key is not None:
            self._held.pop(key, None)


def networks_of(listed: Iterable[str]) -> tuple[Network, ...]:
    """Networks from their texts; an address is a network of one. Raises ValueError."""
    return tuple(ip_network(text) for text in listed)


def _address(host: str) -> IPv4Address | IPv6Address:
    address = ip_address(host)
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
