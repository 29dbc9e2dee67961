"""The name of this pytest worker: part of each name on a server that several workers may share."""

import os

# Set by pytest-xdist. Without it, one process runs all tests.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")


def own_name(name: str) -> str:
    """Return a name that no other worker of this run uses."""
    return f"{name}_{WORKER}"
