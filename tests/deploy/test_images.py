"""The Dockerfiles: what their processes read does not depend on the umask under which the repository was cloned."""

import re
from pathlib import Path

import pytest

from tests.house.tree import ROOT

DOCKERFILES = sorted((ROOT / "deploy").glob("*Dockerfile"))


def stages(text: str) -> dict[str, list[str]]:
    """The instructions of each stage by its name, continued lines joined; the last without a name is `final`."""
    found: dict[str, list[str]] = {}
    current = list[str]()
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if start := re.match(r"FROM \S+(?: AS (\w+))?", line):
            current = found[start[1] or "final"] = list[str]()
        elif line and not line.startswith("#"):
            current.append(line)
    return found


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_nothing_that_is_shipped_has_the_mode_that_it_has_in_the_checkout(dockerfile: Path) -> None:
    found = stages(dockerfile.read_text(encoding="utf-8"))
    assert "build" in found
    shipped = [line for name, lines in found.items() if name != "build" for line in lines if re.match("COPY|ADD", line)]
    assert shipped
    assert [line for line in shipped if "--from=build" not in line] == []
    # What pip installs has modes of pip's own; all else that is shipped is made readable after it was copied.
    build = found["build"]
    opened = [number for number, line in enumerate(build) if "chmod -R a+rX" in line]
    assert opened
    assert not any(re.match("COPY|ADD", line) for line in build[opened[0] :])
    folders = {word for line in build for word in re.findall(r"chmod -R a\+rX ([^ &]+)", line)} | {"/opt/gavel"}
    sources = [line.split()[2] for line in shipped]
    assert [source for source in sources if not any(source.startswith(folder) for folder in folders)] == []
