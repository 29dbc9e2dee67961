#!/usr/bin/env bash
# Prints where a tool of the checks is: on the PATH, or built here from its source the first time, once for all checkouts.
#   scripts/install-go-tool.sh helm|actionlint [--find]      --find builds nothing and fails where there is none
set -euo pipefail
case $1 in
    helm) version=v4.3.1 package=helm.sh/helm/v4/cmd/helm checks="The charts" ;;
    actionlint) version=v1.7.12 package=github.com/rhysd/actionlint/cmd/actionlint checks="The workflows of CI" ;;
esac
# ~ is known also where HOME is not set.
tools=${XDG_CACHE_HOME:-~/.cache}/gavel/$1-$version

build() {
    if ! command -v go >/dev/null; then
        echo "$checks can't be checked without $1. Install $1, or Go 1.26 or newer (then it is built here)," >&2
        echo "and try again. How to get either: docs/DEPLOYMENT.md." >&2
        exit 1
    fi
    mkdir -p "$tools"
    # One builds, and the others wait for it. Python locks the file that this shell holds open, which macOS has no
    # command for; the lock ends with this shell and Go.
    exec 9>"$tools/lock"
    python3 -I -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
    [ ! -x "$tools/$1" ] || return 0
    echo "Building $1 $version once, which may take some minutes" >&2
    building=$(mktemp -d)
    trap 'rm -rf "$building"' EXIT
    GOBIN=$building GOFLAGS='' CGO_ENABLED=0 go install -trimpath -ldflags='-s -w' "$package@$version" >&2
    # In one step, so that a reader never finds half of it.
    mv "$building/$1" "$tools/$1"
}

if command -v "$1"; then
    exit 0
fi
if [ ! -x "$tools/$1" ]; then
    if [ "${2:-}" = --find ]; then
        echo "$1 is missing: \`make helm\` builds it." >&2
        exit 1
    fi
    build "$1"
fi
echo "$tools/$1"
