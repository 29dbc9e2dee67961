#!/usr/bin/env bash
# Asks the advisory services whether a locked package has a known weakness. VENV is where Gavel's tools are.
#   scripts/audit.sh VENV
# Exit status 1 where there is one, until the lock has a version without it (make lock UPGRADE=1). A service that can't be
# reached within SECONDS_MAX is reported, and fails nothing: it is not the code's.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
venv=$1
status=0
SECONDS_MAX=120
# pip installs into the environment that it belongs to, also where its configuration says otherwise.
export PIP_USER=0
said=$(mktemp)
trap 'rm -f "$said"' EXIT
# macOS has no such command: there, the services have as long as they like.
command -v timeout >/dev/null || timeout() { "${@:2}"; }

if ! command -v "$venv/bin/pip-audit" >/dev/null; then
    "$venv/bin/python" -m venv .cache/pip-audit && timeout $SECONDS_MAX .cache/pip-audit/bin/pip install --quiet pip-audit || true
fi
pip_audit=$(command -v "$venv/bin/pip-audit" || echo .cache/pip-audit/bin/pip-audit)
if [ ! -x "$pip_audit" ]; then
    echo "Python packages: NOT CHECKED, pip-audit could not be installed"
elif timeout $SECONDS_MAX "$pip_audit" --progress-spinner off --disable-pip --require-hashes --requirement requirements/runtime.txt >"$said" 2>&1; then
    echo "Python packages: no known weakness"
elif grep -q '^Found' "$said"; then
    cat "$said"
    status=1
else
    echo "Python packages: NOT CHECKED, the advisory service gave no answer: $(tail -n 1 "$said")"
fi

if ! command -v npm >/dev/null; then
    echo "JavaScript packages: NOT CHECKED, npm is missing"
elif (cd web && timeout $SECONDS_MAX npm audit --omit=dev --audit-level=moderate) >"$said" 2>&1; then
    echo "JavaScript packages: no known weakness"
elif grep -q 'Severity:\|severity vulnerabilit' "$said"; then
    cat "$said"
    status=1
else
    echo "JavaScript packages: NOT CHECKED, the advisory service gave no answer: $(grep -m 1 '^npm error' "$said")"
fi
exit $status
