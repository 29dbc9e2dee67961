#!/usr/bin/env bash
# Makes the Kind cluster with its registry and its ingress controller; where they are there already, nothing happens.
set -euo pipefail
cd "$(dirname "$0")/.."
# F5's NGINX controller: ingress-nginx, by the Kubernetes project, was retired in March 2026.
chart=oci://ghcr.io/nginx/charts/nginx-ingress
version=2.4.4

# What a development installation and the cluster's own pods ask for (tests/deploy/test_cluster.py).
processors_min=2

scripts/require-tools.sh docker kind ctlptl kubectl helm
processors=$(docker info --format '{{.NCPU}}')
if [ "$processors" -lt "$processors_min" ]; then
    echo "Docker has $processors processor, and Gavel with its cluster asks for $processors_min: give it more, or pods stay Pending." >&2
    exit 1
fi
ctlptl apply --filename deploy/ctlptl.yaml
kubectl --context kind-gavel apply --filename deploy/namespace.yaml
helm upgrade nginx-ingress "$chart" --version "$version" --install --kube-context kind-gavel \
    --namespace nginx-ingress --create-namespace --values deploy/nginx-ingress.yaml --wait --timeout 5m
# Helm takes a DaemonSet for ready while one of its pods is not, and here it has one.
kubectl --context kind-gavel --namespace nginx-ingress rollout status daemonset/nginx-ingress-controller --timeout 5m

if ! grep -qE '^[^#]*[[:space:]]api\.auction\.local([[:space:]]|$)' /etc/hosts; then
    echo "One line is missing in /etc/hosts:"
    echo "    127.0.0.1 api.auction.local app.auction.local"
fi
echo "The cluster is up. Next: make dev"
