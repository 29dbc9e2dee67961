#!/usr/bin/env bash
# Runs Gavel with sample auctions by PYTHON, and builds the page beside it where that is not current: Gavel serves the
# page as soon as it is there. The build ends when Gavel does, however Gavel ends.
#   scripts/demo.sh PYTHON      CROWD=no lets no crowd bid
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1
crowd=--crowd
if [ "${CROWD:-yes}" = no ]; then
    crowd=--no-crowd
fi

# This process becomes Gavel: signals reach it, and the build sees when it is gone.
"$python" -I scripts/build_page.py --beside $$ &
AUTH_MODE=trusted exec "$python" -m gavel standalone --sample-auctions "$crowd"
