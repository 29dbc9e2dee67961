"""The pages that name parts of the code: what they name exists, and what exists is named."""

import re

from gavel.bids import settings as bids
from gavel.runtime.process.settings import ProcessSettings
from gavel.standalone import StandaloneSettings
from gavel.userstats import settings as userstats
from tests.house.tree import ROOT, SOURCE

README_LINES_MAX = 120
# Read by what finds the data folder, before any settings.
DATA_FOLDER = "GAVEL_DATA_DIR"

TABLE_ROW = re.compile(r"^\| (`[A-Z][^|]*) \|", re.MULTILINE)
NAME = re.compile(r"`([A-Z][A-Z0-9_]+)`")
# A file, a folder, or a few files of one folder; with a wildcard where it stands for several.
CODE_PATH = re.compile(r"`((?:src|tests|docs|proto|deploy|web|bids|userstats|runtime|cli)/[\w./*-]*)`")


def kinds_of_settings() -> list[type[ProcessSettings]]:
    """Every class of settings that a command reads."""
    found = [kind for module in (bids, userstats) for kind in vars(module).values() if isinstance(kind, type)]
    return [*(kind for kind in found if issubclass(kind, ProcessSettings)), StandaloneSettings]


def test_the_page_of_settings_has_each_setting_and_no_other() -> None:
    page = (ROOT / "docs" / "SETTINGS.md").read_text(encoding="utf-8")
    documented = {name for row in TABLE_ROW.findall(page) for name in NAME.findall(row)}
    read = {name.upper() for kind in kinds_of_settings() for name in kind.model_fields}
    assert documented == read | {DATA_FOLDER}


def test_the_recipes_name_files_that_exist() -> None:
    page = (ROOT / "docs" / "RECIPES.md").read_text(encoding="utf-8")
    named = sorted(set(CODE_PATH.findall(page)))
    assert len(named) > 30
    missing = [path for path in named if not any(any(folder.glob(path.rstrip("/"))) for folder in (ROOT, SOURCE))]
    assert missing == []


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES_MAX
