#!/usr/bin/env bash
# Makes the virtual environment FOLDER and installs exactly what LOCK names, then Gavel itself in place.
#   scripts/setup.sh FOLDER LOCK
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
lock=$2

is_recent_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local name
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14; do
        if command -v "$name" >/dev/null && is_recent_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    echo "Gavel needs Python 3.11 or newer, and none was found (python3 is $(python3 --version 2>&1 || echo missing))." >&2
    echo "Install one, or name it: make setup PYTHON=/path/to/python3.11" >&2
    return 1
}

if ! { [ -x "$venv/bin/python" ] && is_recent_enough "$venv/bin/python"; }; then
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$python cannot make virtual environments; on Debian: apt-get install python3-venv" >&2
        exit 1
    fi
    echo "Making $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
fi

pip=("$venv/bin/python" -m pip --quiet --disable-pip-version-check)
echo "Installing $lock"
"${pip[@]}" install --require-hashes --requirement "$lock"
echo "Installing Gavel in place"
# Apart from the lock, because pip can check no hash of an editable install.
"${pip[@]}" install --no-deps --no-build-isolation --editable .
