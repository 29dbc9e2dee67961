{{/* Nothing goes in or out but what a role needs. */}}
{{- define "workload.denyAll" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "workload.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ .root.Chart.Name }}
      app.kubernetes.io/instance: {{ .root.Release.Name }}
  policyTypes: [Ingress, Egress]
{{- end }}

{{/*
Takes also `reaches`: names of `networkPolicy.servers`. One without peers is not reached. That of a migration which is a
hook is one too, and comes before it: in a namespace that denies everything it could not reach the database otherwise.
*/}}
{{- define "workload.allow" -}}
{{- $policy := .root.Values.networkPolicy -}}
{{- $more := get ($policy.more | default dict) .role | default dict -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "workload.metadata" . | nindent 2 }}
  {{- if and (eq .role "migrate") .root.Values.migrate.hook }}
  annotations:
    {{- include "workload.beforeMigration" . | nindent 4 }}
  {{- end }}
spec:
  podSelector:
    matchLabels:
      {{- include "workload.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- if or (eq .role "api") $more.ingress (and (ne .role "migrate") $policy.monitoring) }}
  ingress:
    {{- if eq .role "api" }}
    - from:
        {{- with $policy.callers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        # `helm test bid-service`
        - podSelector:
            matchLabels:
              app.kubernetes.io/part-of: gavel
              app.kubernetes.io/component: check
      ports:
        - port: http
    {{- end }}
    {{- with $more.ingress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with $policy.monitoring }}
    - from:
        {{- toYaml . | nindent 8 }}
      ports:
        - port: admin
    {{- end }}
  {{- end }}
  egress:
    {{- include "workload.allowDns" . | nindent 4 }}
    {{- range .reaches }}
    {{- $server := index $policy.servers . }}
    {{- with $server.peers }}
    - to:
        {{- toYaml . | nindent 8 }}
      ports:
        - port: {{ $server.port }}
    {{- end }}
    {{- end }}
    {{- with $more.egress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{- define "workload.allowDns" -}}
{{- with .root.Values.networkPolicy.dns -}}
- to:
    {{- toYaml .peers | nindent 4 }}
  ports:
    - {port: {{ .port }}, protocol: UDP}
    - {port: {{ .port }}, protocol: TCP}
{{- end }}
{{- end }}
