{{- define "workload.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "workload.metadata" . | nindent 2 }}
spec:
  selector:
    {{- include "workload.selector" . | nindent 4 }}
  ports:
    - name: http
      port: 80
      targetPort: http
      appProtocol: http
{{- end }}

{{/* Every process of the chart, ready or not, for Prometheus. */}}
{{- define "workload.metrics" -}}
{{- $root := .root }}
{{- $selector := dict "app.kubernetes.io/name" $root.Chart.Name "app.kubernetes.io/instance" $root.Release.Name }}
apiVersion: v1
kind: Service
metadata:
  {{- include "workload.metadata" . | nindent 2 }}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    {{- toYaml $selector | nindent 4 }}
  ports:
    - name: admin
      port: 9090
      targetPort: admin
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  {{- include "workload.metadata" . | nindent 2 }}
    {{- with $root.Values.monitoring.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels:
      {{- include "workload.selector" . | nindent 6 }}
  endpoints:
    - port: admin
      path: /metrics
      interval: {{ $root.Values.monitoring.intervalSeconds }}s
      # Jobs are named as deploy/observability/prometheus.yml names them: bid-api, bid-worker, stats-api, stats-worker.
      relabelings:
        - sourceLabels: [__meta_kubernetes_pod_container_name]
          targetLabel: job
{{- end }}
