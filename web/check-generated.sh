#!/usr/bin/env bash
# Fails unless the generated TypeScript in the tree is what proto/ generates.
set -euo pipefail
cd "$(dirname "$0")"

generated=$(mktemp -d)
trap 'rm -rf "$generated"' EXIT
./generate.sh "$generated"
if ! diff --recursive "$generated/web/packages/client/src/gen" packages/client/src/gen; then
    echo "web/packages/client/src/gen is not what proto/ generates: run make proto-gen-ts" >&2
    exit 1
fi
echo "The TypeScript clients are current."
