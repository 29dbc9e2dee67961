{{/* Names and labels. All templates of this chart take a dict: root (the chart's context) and role (api, worker ...). */}}

{{/* The chart's name and not the release's: the charts name each other's services. One installation a namespace. */}}
{{- define "workload.name" -}}
{{ printf "%s-%s" .root.Chart.Name .role }}
{{- end }}

{{- define "workload.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "workload.labels" -}}
{{ include "workload.selector" . }}
app.kubernetes.io/part-of: gavel
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "workload.metadata" -}}
name: {{ include "workload.name" . }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "workload.labels" . | nindent 2 }}
{{- end }}

{{- define "workload.image" -}}
{{- with .root.Values.image -}}
{{- if .digest -}}
{{ printf "%s@%s" .repository .digest }}
{{- else -}}
{{ printf "%s:%s" .repository (.tag | default $.root.Chart.AppVersion) }}
{{- end -}}
{{- end -}}
{{- end }}
