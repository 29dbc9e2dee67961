"""The page's own checks, run beside the other tests: `npm run check`, then Playwright in a real browser."""

import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.house.tree import ROOT

# The browser's tests alone may wait five minutes each.
pytestmark = [pytest.mark.page, pytest.mark.timeout(3_600)]

WEB = ROOT / "web"
# One after the other: the first builds the page that the last looks at.
COMMANDS = (
    ("npm", "run", "--silent", "check"),
    (sys.executable, "-I", str(ROOT / "scripts" / "build_page.py")),
    ("npm", "run", "--silent", "test:e2e"),
)
# What Vitest and Playwright say of a run.
TOTALS = re.compile(r"^\s*(Tests\s.*passed.*|\d+ passed .*)$", re.MULTILINE)


def test_the_page_passes_its_checks_and_its_tests_in_a_browser(record_property: Callable[[str, object], None]) -> None:
    for command in COMMANDS:
        done = subprocess.run(
            command,
            cwd=WEB,
            env=os.environ | {"NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.fail(f"web: {' '.join(command)} ended with {done.returncode}\n{done.stdout}", pytrace=False)
        for total in TOTALS.findall(done.stdout):
            record_property("page", total)
