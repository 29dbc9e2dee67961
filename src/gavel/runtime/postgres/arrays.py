"""Postgres arrays as text: the driver's own arrays cost several times as much for each element."""

from collections.abc import Iterable


def array(values: Iterable[object]) -> str:
    """Format ids, numbers and times as a Postgres array; None is null. Never for texts, which would need quoting."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"
