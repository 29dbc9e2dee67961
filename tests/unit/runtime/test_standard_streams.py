"""A process that is started without standard streams gets some, so that no socket takes their place."""

import subprocess
import sys

import pytest

CLOSED = ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "<&- 2>&-", ">&- 2>&-"]
OPENED = """
import os, sys
from gavel.runtime.process.standard_streams import open_standard_streams
open_standard_streams()
sys.exit(any([
    [stream.fileno() for stream in (sys.stdin, sys.stdout, sys.stderr)] != [0, 1, 2],
    [os.get_inheritable(number) for number in range(3)] != [True] * 3,
    sys.stdin.read() != "",
    sys.stdout.write("out") != 3,
    sys.stderr.write("err") != 3,
]))
"""


def without_streams(closed: str, *command: str) -> "subprocess.CompletedProcess[str]":
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, *command]
    return subprocess.run(shell, input="", capture_output=True, text=True, check=False)


@pytest.mark.parametrize("closed", CLOSED)
def test_each_closed_stream_is_opened_under_its_number_for_this_process_and_its_children(closed: str) -> None:
    done = without_streams(closed, "-c", OPENED)
    assert done.returncode == 0
    assert done.stdout == ("" if ">&-" in closed.split() else "out")
    assert done.stderr == ("" if "2>&-" in closed.split() else "err")


@pytest.mark.parametrize(
    "program",
    [
        "from gavel.cli.main import app; app(['version'], standalone_mode=False)",
        "from gavel_tools.local_servers.stack import main; main('down')",
    ],
    ids=["gavel", "stack"],
)
def test_the_command_lines_open_them_first(program: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    seen = f"""
import atexit, os, sys
os.environ["GAVEL_DATA_DIR"] = {str(tmp_path_factory.mktemp("data"))!r}
atexit.register(lambda: os._exit(0 if None not in (sys.stdin, sys.stdout, sys.stderr) else 1))
"""
    assert without_streams("<&- >&- 2>&-", "-c", seen + program).returncode == 0
