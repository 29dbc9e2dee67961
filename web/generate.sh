#!/usr/bin/env bash
# Generates web/packages/client/src/gen from proto/, or the same tree under FOLDER.
#   web/generate.sh [FOLDER]      needs buf, on the PATH or in .venv/bin
set -euo pipefail
cd "$(dirname "$0")/.."

PATH="$PWD/.venv/bin:$PATH" buf generate --template buf.gen.ts.yaml --output "${1:-.}"
