"""Loopback addresses: those of this machine that no other can reach, and that no proxy can."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host, as a name or an address, is this machine's loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
