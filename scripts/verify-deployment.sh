#!/usr/bin/env bash
# Shows that a deployment works, or says what does not: probes, versions, and one bid from its acceptance over the feed
# to the totals. Exit status 1 where anything is wrong. It leaves one item behind, which ends after ten minutes.
#   scripts/verify-deployment.sh [up | cluster | calls] [--help]
set -euo pipefail
if ! command -v python3 >/dev/null; then
    echo "verify-deployment.sh needs python3, and nothing else that is not there already." >&2
    exit 2
fi
exec python3 -I "$(dirname "$0")/verify_deployment.py" "$@"
