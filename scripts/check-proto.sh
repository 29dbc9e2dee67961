#!/usr/bin/env bash
# Fails unless the contract is formatted and linted, breaks no client of the baseline, and the generated
# code in the tree, Python and TypeScript, is what it generates.
set -euo pipefail
cd "$(dirname "$0")/.."

buf format --diff --exit-code
buf lint
buf breaking --against proto/baseline.binpb

generated=$(mktemp -d)
trap 'rm -rf "$generated"' EXIT
buf generate --output "$generated"
if ! diff --recursive --exclude __pycache__ "$generated/src/gavel/contracts" src/gavel/contracts; then
    echo "src/gavel/contracts is not what proto/ generates: run make proto-gen" >&2
    exit 1
fi
web/check-generated.sh
echo "The contract is clean, breaks no client, and its generated code is current."
