"""The workflows of .github run what this repository has, and renovate finds the versions that it is to raise."""

import json
import re
from typing import Any

import yaml  # pyright: ignore[reportMissingModuleSource]

from tests.deploy.rendered import CHARTS_OF_AN_INSTALLATION, ROOT, installation, workloads
from tests.house.tree import tracked_files


def script_of(workflow: str) -> str:
    """All commands of a workflow."""
    text = (ROOT / ".github" / "workflows" / workflow).read_text(encoding="utf-8")
    jobs: dict[str, Any] = yaml.safe_load(text)["jobs"]
    return "\n".join(step["run"] for job in jobs.values() for step in job["steps"] if "run" in step)


def test_ci_runs_what_is_run_here() -> None:
    assert ".ci/run" in script_of("ci.yml").splitlines()
    assert (ROOT / ".ci" / "run").is_file()


def test_in_kind_each_chart_is_installed_with_images_of_the_commit_and_verified() -> None:
    script = script_of("kind.yml")
    steps = ["make cluster", "docker build", "docker push", "install infra", "verify-deployment.sh", "helm test"]
    places = [script.index(step) for step in steps]
    assert places == sorted(places)
    installed = re.findall(r"^install ([\w-]+)", script, re.MULTILINE)
    assert installed == list(CHARTS_OF_AN_INSTALLATION)
    used = {
        container["image"].partition(":")[0]
        for workload in workloads(installation("development"))
        for container in workload["spec"]["template"]["spec"]["containers"]
    }
    built = set(re.findall(r'--tag "\$REGISTRY/([\w-]+):dev"', script))
    assert built == {image for image in used if image.startswith("gavel")} | {"gavel-tools"}
    for name in re.findall(r"deploy/[\w./-]+", script):
        assert (ROOT / name.replace("$1", "infra")).exists(), name


def test_renovate_finds_each_version_that_its_own_rules_name() -> None:
    configured = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))
    files = [str(path.relative_to(ROOT)) for path in tracked_files()]
    found: dict[str, str] = {}
    for manager in configured["customManagers"]:
        (pattern,), (string,) = manager["managerFilePatterns"], manager["matchStrings"]
        (name,) = [file for file in files if re.search(pattern.strip("/"), file)]
        matches = re.findall(string.replace("(?<", "(?P<"), (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert matches, name
        found |= {name: str(matches)}
    assert len(found) == 3
    assert "helm.sh/helm/v4" in found["scripts/install-go-tool.sh"]
    (pattern,) = configured["helm-values"]["managerFilePatterns"]
    assert sum(bool(re.search(pattern.strip("/"), file)) for file in files) >= len(CHARTS_OF_AN_INSTALLATION)
