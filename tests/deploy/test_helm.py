"""Helm and actionlint are built once for all checkouts, however many ask at the same moment, and never by a test."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.deploy.rendered import ROOT

SCRIPT = str(ROOT / "scripts" / "install-go-tool.sh")
NAMES = pytest.mark.parametrize("name", ["helm", "actionlint"])
BUILD_SECONDS_MAX = 60
CALLERS = 8
TOOLS = ("bash", "basename", "mkdir", "mktemp", "mv", "rm", "chmod")
# Stands in for Go: counts its calls, and leaves a program.
GO = """#!/usr/bin/env bash
echo built >>"$BUILDS"
package=${!#}
program=$GOBIN/$(basename "${package%@*}")
printf '#!/bin/sh\\n' >"$program"
chmod +x "$program"
"""


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """An environment without Helm, in which Go is a stand-in, and nothing has been built yet."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in TOOLS:
        (programs / tool).symlink_to(str(shutil.which(tool)))
    (programs / "python3").symlink_to(sys.executable)
    (programs / "go").write_text(GO, encoding="utf-8")
    (programs / "go").chmod(0o755)
    (tmp_path / "builds").touch()
    return {
        "PATH": str(programs),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "BUILDS": str(tmp_path / "builds"),
        "TMPDIR": str(tmp_path),
    }


def builds(environment: Mapping[str, str]) -> int:
    return len(Path(environment["BUILDS"]).read_text(encoding="utf-8").splitlines())


@NAMES
def test_a_tool_is_built_once_however_many_ask_at_the_same_moment(name: str, environment: Mapping[str, str]) -> None:
    callers = [
        subprocess.Popen([SCRIPT, name], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(CALLERS)
    ]
    answers = [caller.communicate(timeout=BUILD_SECONDS_MAX) for caller in callers]
    assert [caller.returncode for caller in callers] == [0] * CALLERS, answers
    assert len({printed for printed, _ in answers}) == 1
    assert os.access(answers[0][0].strip(), os.X_OK)
    assert builds(environment) == 1


@NAMES
def test_a_test_that_finds_no_tool_builds_none_and_names_the_command(name: str, environment: Mapping[str, str]) -> None:
    find = [SCRIPT, name, "--find"]
    done = subprocess.run(find, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, builds(environment)) == (1, "", 0)
    assert "make helm" in done.stderr
    built = subprocess.run([SCRIPT, name], env=environment, capture_output=True, text=True, check=True)
    found = subprocess.run(find, env=environment, capture_output=True, text=True, check=True)
    assert (found.stdout, found.stderr) == (built.stdout, "")


def test_the_tests_find_helm_because_make_has_it_built_before_them() -> None:
    steps = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "test"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert 0 <= steps.find("scripts/install-go-tool.sh helm") < steps.index("-m pytest")
    assert "--find" in (ROOT / "tests" / "deploy" / "rendered.py").read_text(encoding="utf-8")
