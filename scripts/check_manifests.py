"""Fails unless each Kubernetes object in the files is what every supported version of Kubernetes takes.

The schemas are those that kubernetes-validate brings, used here directly: its own command reads all of a version's
definitions again for each object.
"""

import json
import sys
from importlib.resources import files
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

OLDEST_MINOR = 32
SCHEMAS = files("kubernetes_validate") / "kubernetes-json-schema"
# Kinds that the cluster's operators bring; their schemas are the operators'.
BROUGHT_BY_OPERATORS = {
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("keda.sh/v1alpha1", "ScaledObject"),
    ("keda.sh/v1alpha1", "TriggerAuthentication"),
    ("monitoring.coreos.com/v1", "PrometheusRule"),
    ("monitoring.coreos.com/v1", "ServiceMonitor"),
}


class Kubernetes:
    """One version's schemas."""

    def __init__(self, version: str) -> None:
        self.version = version
        self._folder = SCHEMAS / f"v{version}-local-strict"
        definitions = json.loads((self._folder / "_definitions.json").read_text(encoding="utf-8"))
        self._registry = Resource.from_contents(definitions) @ Registry()
        self._validators: dict[str, Draft202012Validator | None] = {}

    def problems(self, thing: dict) -> list[str]:
        """What is wrong with an object, a line each."""
        group, _, version = thing["apiVersion"].rpartition("/")
        name = "-".join(filter(None, [thing["kind"].lower(), group.split(".")[0], version])) + ".json"
        if name not in self._validators:
            self._validators[name] = self._load(name)
        validator = self._validators[name]
        if validator is None:
            return [f"Kubernetes {self.version} knows no {thing['kind']} of {thing['apiVersion']}"]
        errors = [(".".join(map(str, error.absolute_path)), error.message) for error in validator.iter_errors(thing)]
        return [f"Kubernetes {self.version}: {where or 'the object'}: {what[:300]}" for where, what in errors]

    def _load(self, name: str) -> Draft202012Validator | None:
        file = self._folder / name
        if not file.is_file():
            return None
        schema = json.loads(file.read_text(encoding="utf-8"))
        return Draft202012Validator(schema, registry=Resource.from_contents(schema) @ self._registry)


def supported() -> list[Kubernetes]:
    """The supported versions of which there are schemas."""
    folders = [entry.name for entry in SCHEMAS.iterdir() if entry.name.endswith("-local-strict")]
    versions = sorted((folder.removeprefix("v").removesuffix("-local-strict") for folder in folders), key=_minor)
    return [Kubernetes(version) for version in versions if _minor(version) >= OLDEST_MINOR]


def _minor(version: str) -> int:
    return int(version.split(".")[1])


def main(names: list[str]) -> int:
    """The exit status: 0 where nothing is wrong."""
    versions, objects, wrong = supported(), 0, 0
    for name in names:
        for thing in filter(None, yaml.safe_load_all(Path(name).read_text(encoding="utf-8"))):
            objects += 1
            if (thing["apiVersion"], thing["kind"]) in BROUGHT_BY_OPERATORS:
                continue
            for problem in (problem for version in versions for problem in version.problems(thing)):
                wrong += 1
                print(f"{name}: {thing['kind']} {thing['metadata']['name']}: {problem}", file=sys.stderr)
    releases = f"Kubernetes {versions[0].version} to {versions[-1].version}"
    if not objects:
        print("no object was found to check", file=sys.stderr)
        return 1
    print(f"{objects} objects checked against {releases}: {wrong or 'no'} problems")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
