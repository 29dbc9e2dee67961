#!/usr/bin/env bash
# Prints where Helm is: on the PATH, or built here from its source the first time (minutes), once for all checkouts.
#   scripts/install-helm.sh [--find]      --find builds nothing and fails where there is none
set -euo pipefail
version=v4.3.1
# ~ is known also where HOME is not set.
tools=${XDG_CACHE_HOME:-~/.cache}/gavel/helm-$version

build() {
    if ! command -v go >/dev/null; then
        echo "The charts can't be checked without Helm. Install helm, or Go 1.26 or newer (then it is built here)," >&2
        echo "and try again. How to get either: docs/DEPLOYMENT.md." >&2
        exit 1
    fi
    mkdir -p "$tools"
    # One builds, and the others wait for it. Python locks the file that this shell holds open, which macOS has no
    # command for; the lock ends with this shell and Go.
    exec 9>"$tools/lock"
    python3 -I -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
    [ ! -x "$tools/helm" ] || return 0
    echo "Building Helm $version once, which takes some minutes" >&2
    building=$(mktemp -d)
    trap 'rm -rf "$building"' EXIT
    GOBIN=$building GOFLAGS='' CGO_ENABLED=0 go install -trimpath -ldflags='-s -w' "helm.sh/helm/v4/cmd/helm@$version" >&2
    # In one step, so that a reader never finds half of it.
    mv "$building/helm" "$tools/helm"
}

if command -v helm; then
    exit 0
fi
if [ ! -x "$tools/helm" ]; then
    if [ "${1:-}" = --find ]; then
        echo "Helm is missing: \`make helm\` builds it." >&2
        exit 1
    fi
    build
fi
echo "$tools/helm"
