"""The checks of `make lint` notice what is broken on purpose."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deploy.rendered import CHARTS, ROOT, helm, render

CHECK_SECONDS_MAX = 120
SERVICE_TEMPLATE = "workload/templates/_service.tpl"
PROCESS_TEMPLATE = "workload/templates/_process.tpl"


def run(*command: str) -> tuple[int, str]:
    """A command with the environment's tools on the PATH: its exit status, and all that it said."""
    tools = [str(Path(sys.executable).parent), str(Path(helm()).parent), os.environ["PATH"]]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PATH": os.pathsep.join(tools)},
        capture_output=True,
        text=True,
        timeout=CHECK_SECONDS_MAX,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """A copy of the charts, in which some text is another."""

    def make(file: str, text: str, other: str) -> Path:
        # With what the charts link to beside them.
        shutil.copytree(CHARTS.parent, tmp_path / "deploy", symlinks=True)
        (tmp_path / "scripts").symlink_to(ROOT / "scripts")
        charts = tmp_path / "deploy" / "charts"
        whole = (charts / file).read_text(encoding="utf-8")
        assert text in whole
        (charts / file).write_text(whole.replace(text, other), encoding="utf-8")
        return charts

    return make


@pytest.mark.parametrize(
    ("file", "text", "other", "told"),
    [
        (SERVICE_TEMPLATE, "port: 80\n", "port: eighty\n", "'eighty' is not"),
        (SERVICE_TEMPLATE, "targetPort: http", "targetport: http", "targetport"),
        (PROCESS_TEMPLATE, "apiVersion: apps/v1", "apiVersion: apps/v1beta1", "knows no Deployment of apps/v1beta1"),
        (PROCESS_TEMPLATE, "periodSeconds: 10", "periodSeconds: 10\n            perhapsSeconds: 1", "perhapsSeconds"),
    ],
)
def test_an_object_that_kubernetes_would_refuse_is_reported_with_its_field(
    broken: Callable[[str, str, str], Path], tmp_path: Path, file: str, text: str, other: str, told: str
) -> None:
    values = str(CHARTS / "bid-service" / "values-development.yaml")
    things = render("bid-service", "--values", values, charts=broken(file, text, other))
    rendered = tmp_path / "rendered.yaml"
    # JSON is YAML too.
    rendered.write_text("\n---\n".join(map(json.dumps, things)), encoding="utf-8")
    status, said = run(sys.executable, "scripts/check_manifests.py", str(rendered))
    assert status == 1, said
    assert told in said
    # By the oldest supported version, and by each later one.
    versions = set(re.findall(r"Kubernetes 1\.(\d+)\.\d", said))
    assert "32" in versions
    assert len(versions) >= 6


def test_a_broken_chart_fails_the_whole_check(broken: Callable[[str, str, str], Path]) -> None:
    charts = broken(SERVICE_TEMPLATE, "targetPort: http", "targetport: http")
    status, said = run("scripts/check-deploy.sh", str(charts))
    assert status == 1, said
    assert "targetport" in said


def test_values_that_are_no_yaml_fail_the_whole_check(broken: Callable[[str, str, str], Path]) -> None:
    charts = broken("web/values-development.yaml", "tag: dev", "tag:  dev: twice")
    status, said = run("scripts/check-deploy.sh", str(charts))
    assert status == 1, said
    assert "values-development.yaml" in said


def test_nothing_to_check_is_no_success(tmp_path: Path) -> None:
    empty = tmp_path / "empty.yaml"
    empty.write_text("# nothing\n", encoding="utf-8")
    status, said = run(sys.executable, "scripts/check_manifests.py", str(empty))
    assert status == 1
    assert "no object" in said


@pytest.mark.parametrize("script", ["make-cluster.sh", "require-tools.sh"])
def test_a_missing_tool_is_named_with_the_way_to_get_it(tmp_path: Path, script: str) -> None:
    for tool in ("bash", "dirname"):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    arguments = [] if script == "make-cluster.sh" else ["ctlptl", "tilt"]
    done = subprocess.run(
        [str(ROOT / "scripts" / script), *arguments],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=CHECK_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 1
    assert "Missing: ctlptl. Get it: " in done.stderr
    assert "make demo" in done.stderr
