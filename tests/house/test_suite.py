"""The house rules of the tests themselves."""

import re

from tests.house.tree import ROOT, named

PACKAGE_SCOPE = re.compile(r"""\bscope=["']package["']""")


def test_fixtures_of_a_packages_scope_lie_in_a_package() -> None:
    """Without `__init__.py` pytest keeps them, and the servers that they started, until the run ends."""
    files = [path for path in (ROOT / "tests").rglob("*.py") if PACKAGE_SCOPE.search(path.read_text(encoding="utf-8"))]
    assert files
    assert [named(path) for path in files if not (path.parent / "__init__.py").exists()] == []
