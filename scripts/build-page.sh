#!/usr/bin/env bash
# Builds the page into web/dist, if its sources changed since. Says what it does, and nothing when all is done.
#   scripts/build-page.sh [--if-possible]      with it, a page that can't be built is told of and no failure
set -euo pipefail
cd "$(dirname "$0")/../web"

give_up() {
    echo "No page: $1 Gavel runs without it; make page builds it later." >&2
    [ "${optional:-}" ] && exit 0
    exit 1
}

is_recent_enough() {
    command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split(".").map(Number);
        process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

is_current() {
    [ -e dist/index.html ] &&
        [ -z "$(find index.html package-lock.json vite.config.ts public src packages/client/src -newer dist/index.html)" ]
}

[ "${1:-}" = --if-possible ] && optional=yes
is_current && exit 0
is_recent_enough || give_up "it is built with Node 20.19, 22.12 or newer and npm, which are not here."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! [ -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    echo "Fetching what the page is built with (once, about a minute)"
    npm ci >"$log" 2>&1 || { tail -5 "$log" >&2; give_up "npm ci failed."; }
fi
echo "Building the page"
npm run --silent build >"$log" 2>&1 || { tail -20 "$log" >&2; give_up "its build failed."; }
