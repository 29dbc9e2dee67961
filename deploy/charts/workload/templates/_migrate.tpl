{{/*
The schema, before the processes that need it. As a hook it runs before this release's own objects exist, so the
database and the Secret are another release's or somebody else's; where they are this release's, `migrate.hook: false`
makes it a plain Job beside the processes, which are not ready until it is done. Takes also `side`: bids or stats.
*/}}
{{- define "workload.migrate" -}}
{{- $values := .root.Values.migrate -}}
{{- $template := include "workload.migratePod" . -}}
apiVersion: batch/v1
kind: Job
metadata:
  {{- if $values.hook }}
  {{- include "workload.metadata" . | nindent 2 }}
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation
  {{- else }}
  # A Job never changes: whatever is another pod is another Job.
  name: {{ printf "%s-%s" (include "workload.name" .) ($template | sha256sum | trunc 8) }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "workload.labels" . | nindent 4 }}
  {{- end }}
spec:
  # A database that is not there yet: tried again after 10, 20, 40 ... seconds.
  backoffLimit: 6
  activeDeadlineSeconds: {{ $values.secondsMax }}
  ttlSecondsAfterFinished: 86400
  template:
    {{- $template | nindent 4 }}
{{- end }}

{{/* What a migration that is a hook needs: made before it, and gone after it. */}}
{{- define "workload.beforeMigration" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: "-1"
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- define "workload.migratePod" -}}
{{- $values := .root.Values.migrate -}}
metadata:
  labels:
    {{- include "workload.labels" . | nindent 4 }}
spec:
  restartPolicy: Never
  {{- include "workload.podSecurity" . | nindent 2 }}
  containers:
    - name: migrate
      image: {{ include "workload.image" . }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      # Named, since what the image for development starts needs a place for edited source.
      command: [gavel]
      args: [migrate, {{ .side }}]
      env:
        {{- include "workload.secretEnv" (dict "root" .root "secrets" $values.secrets) | trim | nindent 8 }}
        {{- with $values.grantTo }}
        - {name: GRANT_TO, value: {{ join "," . | quote }}}
        {{- end }}
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      {{- include "workload.containerSecurity" . | nindent 6 }}
{{- end }}
