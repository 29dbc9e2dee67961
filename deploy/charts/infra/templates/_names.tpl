{{/* Takes a dict: root, role (postgres, rabbitmq, redis). */}}
{{- define "infra.selector" -}}
app.kubernetes.io/name: infra
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "infra.metadata" -}}
name: {{ .name | default .role }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "infra.selector" . | nindent 2 }}
  app.kubernetes.io/part-of: gavel
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{/* The images' own user, which owns their folders. */}}
{{- define "infra.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 999
  runAsGroup: 999
  fsGroup: 999
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "infra.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{- define "infra.serviceAndPolicy" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "infra.metadata" . | nindent 2 }}
spec:
  selector:
    {{- include "infra.selector" . | nindent 4 }}
  ports:
    - name: {{ .role }}
      port: {{ .port }}
      targetPort: {{ .role }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "infra.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "infra.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        {{- range $name, $components := .clients }}
        - podSelector:
            matchExpressions:
              - {key: app.kubernetes.io/name, operator: In, values: [{{ $name }}]}
              - {key: app.kubernetes.io/component, operator: In, values: [{{ join ", " $components }}]}
        {{- end }}
      ports:
        - port: {{ .role }}
{{- end }}
