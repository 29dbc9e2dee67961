{{/* How many there are, and how few there may be for a moment. */}}
{{- define "workload.disruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "workload.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  # A pod that isn't ready serves no call, so it need not keep its node from being emptied.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "workload.selector" . | nindent 6 }}
{{- end }}

{{/*
Slowly down, one at a time: each pod that goes sends its watchers elsewhere. And not before the load has been low for half
an hour, so that the pods of a busy auction's start are still there for its last minutes.
*/}}
{{- define "workload.scaleDown" -}}
scaleDown:
  stabilizationWindowSeconds: 1800
  policies:
    - type: Pods
      value: 1
      periodSeconds: 120
{{- end }}

{{- define "workload.autoscaler" -}}
{{- with (index .root.Values .role).autoscaling }}
{{- if .enabled }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "workload.metadata" $ | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "workload.name" $ }}
  minReplicas: {{ .minReplicas }}
  maxReplicas: {{ .maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          # Of a processor, and not of what a pod requests: a process can use one (docs/SIZING.md).
          type: AverageValue
          averageValue: {{ .cpuMillicores }}m
  behavior:
    {{- include "workload.scaleDown" $ | nindent 4 }}
{{- end }}
{{- end }}
{{- end }}

{{/*
KEDA scales a worker by what waits for it; the triggers are the installation's (docs/DEPLOYMENT.md). What of them is
secret comes from the Secret of the chart, by a TriggerAuthentication with the worker's name.
*/}}
{{- define "workload.scaledObject" -}}
{{- with (index .root.Values .role).keda }}
{{- if .enabled }}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  {{- include "workload.metadata" $ | nindent 2 }}
spec:
  scaleTargetRef:
    name: {{ include "workload.name" $ }}
  minReplicaCount: {{ .minReplicas }}
  maxReplicaCount: {{ .maxReplicas }}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        {{- include "workload.scaleDown" $ | nindent 8 }}
  triggers:
    {{- toYaml .triggers | nindent 4 }}
{{- with .secrets }}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata:
  {{- include "workload.metadata" $ | nindent 2 }}
spec:
  secretTargetRef:
    {{- range $parameter, $source := . }}
    - parameter: {{ $parameter }}
      name: {{ $.root.Values.secretName }}
      key: {{ $source.key }}
    {{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
