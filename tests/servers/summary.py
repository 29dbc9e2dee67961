"""Summary of a run's servers: where each came from, and how many tests used it."""

from collections import Counter
from collections.abc import Collection
from typing import Any

# The fixtures by which a test uses a server.
FIXTURES = {
    "Postgres": {"postgres_server"},
    "RabbitMQ": {"rabbitmq_url", "own_rabbitmq_server"},
    "Redis": {"redis_url", "own_redis_server"},
}


def servers_of(fixtures: Collection[str]) -> set[str]:
    """Return the servers that a test with these fixtures uses."""
    return {server for server, names in FIXTURES.items() if not names.isdisjoint(fixtures)}


class Summary:
    """What a run has used so far."""

    def __init__(self) -> None:
        self._sources: dict[str, dict[str, bool]] = {}
        self._tests: Counter[str] = Counter()
        self._container_tests = 0

    def came_from(self, server: str, source: str, *, container: bool = False) -> None:
        """Note where a server came from, in a few words."""
        self._sources.setdefault(server, {})[source] = container

    def count(self, fixtures: Collection[str]) -> None:
        """Count a test that was run with these fixtures."""
        used = self._sources.keys() & servers_of(fixtures)
        self._tests.update(used)
        self._container_tests += any(any(self._sources[server].values()) for server in used)

    def state(self) -> dict[str, Any]:
        """Return all of it as plain values, for the process that `add` is called in."""
        return {"sources": self._sources, "tests": dict(self._tests), "container_tests": self._container_tests}

    def add(self, state: dict[str, Any]) -> None:
        """Add what another process has used: the `state` of its summary."""
        for server, sources in state["sources"].items():
            self._sources.setdefault(server, {}).update(sources)
        self._tests.update(state["tests"])
        self._container_tests += state["container_tests"]

    def lines(self) -> list[str]:
        """Return a line a server, and how many tests used a container; none where no server was used."""
        if not self._sources:
            return []
        lines = [
            f"{server} from {' and '.join(self._sources[server])}: {self._tests[server]} tests"
            for server in FIXTURES
            if server in self._sources
        ]
        return [*lines, f"{self._container_tests} tests ran on containers"]


# Of this process; the one that reports adds up its workers.
summary = Summary()
