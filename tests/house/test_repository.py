"""The house rules of the repository: links lead somewhere, targets exist, nothing names a machine or a registry."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.house.tree import ROOT, named, tracked_files

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
MAKE_COMMAND = re.compile(r"`make ([a-z0-9-]+)|^\s*make ([a-z0-9-]+)", re.MULTILINE)
MAKE_TARGET = re.compile(r"^([a-z0-9-]+):.*## ", re.MULTILINE)
TEST_NAME = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def documents() -> list[Path]:
    """Every page of documentation."""
    return [path for path in tracked_files() if path.suffix == ".md" and "node_modules" not in path.parts]


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{named(document)}: {target}"
        for document in documents()
        for target in LINK.findall(document.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith(("#", "mailto:"))
        if not (document.parent / target.split("#")[0]).exists()
    ]
    assert broken == []


def test_make_targets_that_documents_name_exist() -> None:
    targets = set(MAKE_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    named_targets = {
        (named(document), first or second)
        for document in documents()
        for first, second in MAKE_COMMAND.findall(document.read_text(encoding="utf-8"))
    }
    assert named_targets
    assert {(document, target) for document, target in named_targets if target not in targets} == set()


def test_the_targets_that_people_and_scripts_depend_on_exist() -> None:
    fixed = (
        "demo up down dev clean cluster cluster-delete proto-gen proto-gen-ts lint test test-unit test-integration"
        " test-e2e bench chaos check help"
    )
    targets = set(MAKE_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    assert set(fixed.split()) - targets == set()


def test_tests_that_documents_name_exist() -> None:
    named_tests = {
        (named(document), file, test)
        for document in documents()
        for file, test in TEST_NAME.findall(document.read_text(encoding="utf-8"))
    }
    assert named_tests
    missing = {
        (document, file, test)
        for document, file, test in named_tests
        if not (ROOT / file).is_file()
        or (test and not re.search(rf"def {test}\b", (ROOT / file).read_text(encoding="utf-8")))
    }
    assert missing == set()


def test_make_help_lists_every_target() -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    phony = re.findall(r"^\.PHONY: ([a-z0-9-]+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony
    assert [target for target in phony if target not in shown.stdout] == []


def test_nothing_names_a_registry_or_a_machine() -> None:
    dot = "[.]"
    hosts = re.compile(rf"(pypi|pythonhosted|npmjs|debian|golang){dot}(org|com)")
    machine = re.compile(r"(^|[^A-Za-z0-9_.])/(work|farm|home/\w+)/")
    found: list[str] = []
    for path in tracked_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{named(path)}:{number}"
            for number, line in enumerate(lines, start=1)
            if (hosts.search(line) and f"golang{dot[1]}org/x/" not in line) or machine.search(line)
            if path != Path(__file__)
        ]
    assert found == []


@pytest.mark.parametrize(
    "file", ["requirements/runtime.txt", "requirements/demo.txt", "requirements/dev.txt", "requirements/build.txt"]
)
def test_locks_have_hashes_and_no_addresses(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert "--hash=sha256:" in text
    assert "://" not in text
