#!/usr/bin/env bash
# Fails unless everything that deploys Gavel is sound: scripts, Dockerfiles, YAML, workflows, and every chart with each of
# its values files, rendered and held against each supported version of Kubernetes.
#   scripts/check-deploy.sh [CHARTS]        deploy/charts unless said
# The tools of the virtual environment have to be on the PATH.
set -euo pipefail
cd "$(dirname "$0")/.."
charts=${1:-deploy/charts}

# By xargs, since macOS has a bash without mapfile.
git ls-files -z --cached --others --exclude-standard '*.sh' .ci/run | xargs -0 shellcheck
hadolint --config deploy/hadolint.yaml deploy/Dockerfile deploy/web.Dockerfile
yamllint --strict --config-file deploy/yamllint.yaml deploy .github "$charts"
"$(scripts/install-go-tool.sh actionlint)" .github/workflows/*.yml

program=$(scripts/install-go-tool.sh helm)
helm() {
    # The library is linked into the charts on purpose.
    "$program" "$@" 2> >(grep -v "found symbolic link" >&2)
}
rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT
for chart in "$charts"/*/; do
    name=$(basename "$chart")
    # A library is rendered with the charts that it is part of.
    grep -q '^type: library' "$chart/Chart.yaml" && continue
    # values.yaml holds always; alone it is enough only where there are no others.
    values_files=("$chart"values-*.yaml)
    [ -e "${values_files[0]}" ] || values_files=("${chart}values.yaml")
    for values in "${values_files[@]}"; do
        helm lint --quiet --strict --values "$values" "$chart"
        helm template "$name" "$chart" --namespace gavel --values "$values" \
            >"$rendered/$name-$(basename "$values")"
    done
done
python scripts/check_manifests.py "$rendered"/*.yaml deploy/namespace.yaml deploy/production/rebuild-stats.yaml
