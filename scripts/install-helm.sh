#!/usr/bin/env bash
# Prints where Helm is: on the PATH, or made here from its source the first time (minutes), and kept for all checkouts.
set -euo pipefail
version=v4.3.1
# ~ is known also where HOME is not set.
tools=${XDG_CACHE_HOME:-~/.cache}/gavel/helm-$version

if command -v helm; then
    exit 0
fi
if [ ! -x "$tools/helm" ]; then
    if ! command -v go >/dev/null; then
        echo "The charts can't be checked without Helm. Install helm, or Go 1.26 or newer (then it is built here)," >&2
        echo "and try again. How to get either: docs/DEPLOYMENT.md." >&2
        exit 1
    fi
    echo "Building Helm $version once, which takes some minutes" >&2
    building=$(mktemp -d)
    trap 'rm -rf "$building"' EXIT
    GOBIN=$building GOFLAGS='' CGO_ENABLED=0 go install -trimpath -ldflags='-s -w' "helm.sh/helm/v4/cmd/helm@$version" >&2
    mkdir -p "$tools"
    # In one step, so that another who builds it at the same time never finds half of it.
    mv "$building/helm" "$tools/helm"
fi
echo "$tools/helm"
