"""The house rules of the tests themselves."""

import re

import pytest

from tests.house.tree import ROOT, named, python_files

PACKAGE_SCOPE = re.compile(r"""\bscope=["']package["']""")
# Riddles where the field has a term: refused, reported, unauthenticated.
RIDDLE = re.compile(
    r"def test_(?:\w+_)?(?:un)?(?:told|tells?|whoever|nobodys?|someone|somebody|anybody|says_so)(?:_\w+)?\("
)


def test_fixtures_of_a_packages_scope_lie_in_a_package() -> None:
    """Without `__init__.py` pytest keeps them, and the servers that they started, until the run ends."""
    files = [path for path in (ROOT / "tests").rglob("*.py") if PACKAGE_SCOPE.search(path.read_text(encoding="utf-8"))]
    assert files
    assert [named(path) for path in files if not (path.parent / "__init__.py").exists()] == []


def test_names_of_tests_are_plain_words() -> None:
    riddles = [
        f"{named(path)}: {found[0]}"
        for path in python_files("tests")
        for found in RIDDLE.finditer(path.read_text(encoding="utf-8"))
    ]
    assert riddles == []


@pytest.mark.parametrize("name", ["test_a_close_is_told", "test_nobody_pays", "test_it_says_so_and_ends"])
def test_the_rule_on_names_of_tests_notices(name: str) -> None:
    assert RIDDLE.search(f"def {name}(")
