#!/usr/bin/env bash
# Fails unless the named tools are there, and says of each that is missing how to get it.
#   scripts/require-tools.sh TOOL ...
set -euo pipefail

how_to_get() {
    case $1 in
        docker) echo "Docker Engine or Desktop: https://docs.docker.com/get-started/get-docker/" ;;
        kind) echo "go install sigs.k8s.io/kind@latest, or https://kind.sigs.k8s.io/docs/user/quick-start/#installation" ;;
        ctlptl) echo "go install github.com/tilt-dev/ctlptl/cmd/ctlptl@latest, or https://github.com/tilt-dev/ctlptl#how-do-i-install-it" ;;
        tilt) echo "https://docs.tilt.dev/install.html" ;;
        helm) echo "go install helm.sh/helm/v4/cmd/helm@latest, or https://helm.sh/docs/intro/install/" ;;
        kubectl) echo "https://kubernetes.io/docs/tasks/tools/" ;;
        *) echo "this system's package manager" ;;
    esac
}

missing=0
for tool in "$@"; do
    if ! command -v "$tool" >/dev/null; then
        echo "Missing: $tool. Get it: $(how_to_get "$tool")" >&2
        missing=1
    elif [ "$tool" = docker ] && ! docker info >/dev/null 2>&1; then
        echo "Docker is installed, and its engine does not answer: start it, or ask to be let in (docker info says why)." >&2
        missing=1
    fi
done
if [ "$missing" -ne 0 ]; then
    echo "Without a cluster, make demo and make up run Gavel on this machine alone." >&2
    exit 1
fi
