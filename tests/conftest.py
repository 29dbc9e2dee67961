"""Servers and databases for the tests: one server a worker, a database a test, made from a migrated template."""

import os
from collections.abc import AsyncGenerator, Collection
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.migrations import load_migrations, migrate
from tests.proxies import forget_proxies
from tests.servers.containers import IMAGES, why_no_container
from tests.servers.guardian import guarded_folder
from tests.servers.postgres import PostgresServer, running_postgres
from tests.servers.summary import servers_of, summary
from tests.stretches import stretches

# For the processes that tests start as well.
forget_proxies(os.environ)

# Property tests are bounded in examples, not in time: a busy machine is no failure. Here, since a test keeps the
# settings that it was defined with.
settings.register_profile(
    "unhurried",
    settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")

_database_numbers = count(1)

# How long a server is taken away with `--whole`; without, only until it has been noticed.
AWAY_SECONDS = 60.0
# What a busy machine may take beyond a promised time, and how often it may be late; with `--whole`, neither.
GRACE_SECONDS = 55.0
LATE_TRIES_MAX = 3

# Each starts servers of its own.
WORKERS_MAX = 4
# What takes seconds to start and is shared by tests, in groups that one worker each begins with.
COSTLY_FIXTURES = {
    "shared_stack": 0,
    "shared_gavel": 1,
    "gavel_with_tokens": 1,
    "own_rabbitmq_server": 2,
    "rabbitmq_url": 2,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--whole`: faults last as long as is promised, and promised times are held."""
    parser.addoption(
        "--whole", action="store_true", help=f"keep servers away for {AWAY_SECONDS:.0f} s, hold promised times tightly"
    )


def pytest_report_header(config: pytest.Config) -> str:
    """Say how tightly promised times are held."""
    if config.getoption("--whole"):
        return "promised times: held tightly (--whole)"
    return f"promised times: with {GRACE_SECONDS:.0f} s of grace or {LATE_TRIES_MAX} tries (make test-faults: none)"


def pytest_configure(config: pytest.Config) -> None:
    """Have what a run starts end with it, also if it is killed. Its workers inherit the folder."""
    if not hasattr(config, "workerinput"):
        stack = ExitStack()
        stack.enter_context(guarded_folder())
        config.add_cleanup(stack.close)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers `-n auto` starts: two more than cores, since many tests wait."""
    return min(len(os.sched_getaffinity(0)) + 2, WORKERS_MAX)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each worker another beginning: the tests that share what is costly to start, or the page's, which last long.

    A worker begins with its stretch of the order, and others take from its end when they have none left.
    """
    workers: int = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = stretches(items, workers, _beginning)


def _beginning(item: pytest.Item) -> int | None:
    """The group of a test; the page's is apart, since it lasts as long as many others together."""
    if item.get_closest_marker("page") is not None:
        return -1
    return next((group for name, group in COSTLY_FIXTURES.items() if name in _fixtures(item)), None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Pull the images that the tests need, before a test's time limit counts."""
    if not session.config.option.collectonly:
        for server in sorted({server for item in session.items for server in servers_of(_fixtures(item))}):
            if f"GAVEL_TEST_{server.upper()}_URL" not in os.environ:
                why_no_container(IMAGES[server])


def pytest_runtest_call(item: pytest.Item) -> None:
    """Count which servers a test uses."""
    summary.count(_fixtures(item))


def _fixtures(item: pytest.Item) -> Collection[str]:
    return getattr(item, "fixturenames", ())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the servers that a worker has used to the process that reports."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["servers"] = summary.state()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add the servers that a worker has used. One that crashed has handed nothing over."""
    if state := getattr(node, "workeroutput", {}).get("servers"):
        summary.add(state)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how the page's own tests went, and where the servers came from."""
    passed: list[pytest.TestReport] = terminalreporter.stats.get("passed", [])
    totals = [str(value) for report in passed for name, value in report.user_properties if name == "page"]
    for title, lines in (("page", totals), ("servers", summary.lines())):
        if lines:
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.write_line(line)


@pytest.fixture
def away_seconds(request: pytest.FixtureRequest) -> float:
    """How long what was taken away stays away at least."""
    return AWAY_SECONDS if request.config.getoption("--whole") else 0.0


@pytest.fixture
def grace_seconds(request: pytest.FixtureRequest) -> float:
    """By how much a promised time may be missed: not at all with `--whole`, else by what a busy machine takes."""
    return 0.0 if request.config.getoption("--whole") else GRACE_SECONDS


@pytest.fixture
def tries_max(request: pytest.FixtureRequest) -> int:
    """How many tries a promised time has: one with `--whole`, else as many as a machine that stands still may need."""
    return 1 if request.config.getoption("--whole") else LATE_TRIES_MAX


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_server() -> AsyncGenerator[PostgresServer]:
    """A real Postgres for this worker, with the two migrated templates."""
    # Not below pytest's own folder: another run closes that to all other users, and with it the server's data.
    with TemporaryDirectory(prefix="gavel-tests-") as folder:
        async with running_postgres(Path(folder)) as server:
            await _make_templates(server)
            yield server


async def _make_templates(server: PostgresServer) -> None:
    for package, template in (("gavel.bids", "bid_template"), ("gavel.userstats", "stats_template")):
        await server.create_database(template)
        connection = await postgres.connect(server.url(template), "tests")
        await migrate(connection, load_migrations(package))
        await connection.close()


@pytest_asyncio.fixture
async def bid_db_url(postgres_server: PostgresServer) -> AsyncGenerator[str]:
    """A fresh bid_db."""
    async with postgres_server.database(f"bids_{next(_database_numbers)}", "bid_template") as url:
        yield url


@pytest_asyncio.fixture
async def stats_db_url(postgres_server: PostgresServer) -> AsyncGenerator[str]:
    """A fresh stats_db."""
    async with postgres_server.database(f"stats_{next(_database_numbers)}", "stats_template") as url:
        yield url


@pytest_asyncio.fixture
async def bid_pool(bid_db_url: str) -> AsyncGenerator[asyncpg.Pool]:
    """A pool on a fresh bid_db."""
    async with await postgres.open_pool(bid_db_url, "tests") as pool:
        yield pool


@pytest_asyncio.fixture
async def stats_pool(stats_db_url: str) -> AsyncGenerator[asyncpg.Pool]:
    """A pool on a fresh stats_db."""
    async with await postgres.open_pool(stats_db_url, "tests") as pool:
        yield pool
