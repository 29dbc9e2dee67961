#!/usr/bin/env bash
# Writes requirements/*.txt from pyproject.toml: every package with its hashes, for every platform, without addresses.
# Arguments are passed on, such as --upgrade or --upgrade-package NAME.
set -euo pipefail
cd "$(dirname "$0")/.."

# pip installs into the environment that it belongs to, also where its configuration says otherwise.
export PIP_USER=0
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'uv>=0.9'

compile() {
    "$tools/bin/uv" pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
        --custom-compile-command "make lock" "$@"
}

echo "Resolving requirements/dev.txt"
compile "$@" --extra embedded --group dev --output-file requirements/dev.txt pyproject.toml
# The smaller locks follow the largest, so that one environment can hold any of them.
echo "Resolving requirements/demo.txt"
compile --constraint requirements/dev.txt --extra embedded --group build --output-file requirements/demo.txt pyproject.toml
echo "Resolving requirements/runtime.txt"
compile --constraint requirements/dev.txt --output-file requirements/runtime.txt pyproject.toml
echo "Resolving requirements/build.txt"
compile --constraint requirements/dev.txt --group pyproject.toml:build --output-file requirements/build.txt
