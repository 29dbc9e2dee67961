{{/* How many there are, and how few there may be for a moment. */}}
{{- define "workload.disruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "workload.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  # One that isn't ready serves nobody, so it need not keep its node from being emptied.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "workload.selector" . | nindent 6 }}
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
          type: Utilization
          averageUtilization: {{ .cpuPercent }}
  behavior:
    # Each pod that goes sends its watchers elsewhere: slowly down, one at a time.
    scaleDown:
      stabilizationWindowSeconds: 600
      policies:
        - type: Pods
          value: 1
          periodSeconds: 120
{{- end }}
{{- end }}
{{- end }}

{{/* KEDA scales a worker by what waits for it; the triggers are the installation's (docs/DEPLOYMENT.md). */}}
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
  cooldownPeriod: 300
  triggers:
    {{- toYaml .triggers | nindent 4 }}
{{- end }}
{{- end }}
{{- end }}
