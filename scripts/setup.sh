#!/usr/bin/env bash
# Finds a Python, and lets it make or mend the virtual environment FOLDER, with what LOCK names and Gavel in place.
# Where all of it is current, it says nothing.
#   scripts/setup.sh FOLDER LOCK       PYTHON in the environment names the Python to take
set -euo pipefail
cd "$(dirname "$0")/.."

# -I here and below: nothing of PYTHONPATH, PYTHONHOME and the like has an effect.
is_fit() {
    "$1" -I -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, ${2}))" 2>/dev/null
}

find_python() {
    local newest name
    if [ -n "${PYTHON:-}" ]; then
        if is_fit "$PYTHON" 99; then
            echo "$PYTHON"
            return
        fi
        echo "PYTHON is $PYTHON, which is no Python 3.11 or newer: name another, or unset it." >&2
        return 1
    fi
    # Those that Gavel is tested with come first: a package may have no wheel for a newer one.
    for newest in 13 99; do
        for name in python3 python3.13 python3.12 python3.11 python3.14; do
            # A version manager may have a command for a Python that is not installed.
            if command -v "$name" >/dev/null && is_fit "$name" $newest; then
                echo "$name"
                return
            fi
        done
    done
    echo "Gavel needs Python 3.11 or newer, and found none (python3 is $(python3 --version 2>&1 || echo missing))." >&2
    echo "Install one, or name it: make setup PYTHON=/path/to/python3.13" >&2
    return 1
}

python=$(find_python)
exec "$python" -I scripts/environment.py "$@"
