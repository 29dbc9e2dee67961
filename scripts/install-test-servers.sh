#!/usr/bin/env bash
# Installs what is missing of the servers and tools that tests and benchmarks run, without starting a service.
# Says nothing when all is there.
#   scripts/install-test-servers.sh [PROGRAM ...]      of redis-server, rabbitmq-server, wrk, prometheus, nginx, pgbouncer and chromium;
#                                                      all but the last without names
# prometheus is there for its promtool, which checks the alerts.
set -euo pipefail

is_there() {
    # Debian keeps servers in sbin, which a user's PATH may leave out.
    PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v "$1" >/dev/null
}

missing=()
for program in "${@:-redis-server rabbitmq-server wrk prometheus nginx pgbouncer}"; do
    for name in $program; do
        is_there "$name" || missing+=("$name")
    done
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "Missing: ${missing[*]}. Install them with this system's package manager and try again." >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Missing: ${missing[*]}. Install them with: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi

# The packages would start their servers on the usual ports; tests start their own on private ones.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi

echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { apt-get update -qq && apt-get install -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    exit 1
fi
rm -f "$log"
