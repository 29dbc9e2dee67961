#!/usr/bin/env bash
# Fails unless Prometheus takes the alerts, and each fires on the figures that it is there for. Without promtool it says
# that it checked nothing; `make servers` installs it, and `make test` insists on it.
set -euo pipefail
cd "$(dirname "$0")/../deploy/observability"

if ! command -v promtool >/dev/null; then
    echo "The alerts were not checked: promtool is not here (make servers installs it)."
    exit 0
fi
promtool check config prometheus.yml >/dev/null
promtool test rules rules_test.yml >/dev/null
echo "Prometheus takes the alerts, and each fires when it should."
