{{/* What pods and containers have in common: the restricted Pod Security Standard, with nothing to write to. */}}

{{- define "workload.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.serviceAccountName }}
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
