{{/* What pods and containers have in common: the restricted Pod Security Standard, with nothing to write to. */}}

{{- define "workload.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with include "workload.account" . }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user | default 65532 }}
  runAsGroup: {{ .user | default 65532 }}
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{/* The account of a role's pods: the namespace's default one where this is empty. The migration has one of its own. */}}
{{- define "workload.account" -}}
{{- $values := .root.Values -}}
{{- if $values.createServiceAccount -}}
{{ $values.serviceAccountName | default .root.Chart.Name }}{{ if eq .role "migrate" }}-migrate{{ end }}
{{- else -}}
{{ $values.serviceAccountName }}
{{- end -}}
{{- end }}

{{/* Accounts without any rights: to pull images by, or for a policy of the cluster. */}}
{{- define "workload.accounts" -}}
{{- if .Values.createServiceAccount }}
{{- range $role := list "api" "migrate" }}
{{- $account := dict "root" $ "role" $role }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "workload.account" $account }}
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- include "workload.labels" $account | nindent 4 }}
  {{- if and (eq $role "migrate") $.Values.migrate.hook }}
  annotations:
    {{- include "workload.beforeMigration" $account | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}
{{- end }}
{{- end }}

{{- define "workload.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{/* URLs with passwords, from the Secret that the installation made. Takes also `secrets`: variable -> {key, optional}. */}}
{{- define "workload.secretEnv" -}}
{{- $secret := required "secretName: name the Secret with the servers' URLs" .root.Values.secretName }}
{{- range $variable, $source := .secrets }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: {{ $source.key | default $variable }}
      {{- if $source.optional }}
      optional: true
      {{- end }}
{{- end }}
{{- end }}

{{- define "workload.spread" -}}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "workload.selector" $ | nindent 8 }}
  {{- end }}
{{- end }}
