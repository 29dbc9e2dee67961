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

{{/* Takes also `reaches`: names of `networkPolicy.servers`. One without peers is not reached. */}}
{{- define "workload.allow" -}}
{{- $policy := .root.Values.networkPolicy -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "workload.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "workload.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- if or (eq .role "api") (and (ne .role "migrate") $policy.monitoring) }}
  ingress:
    {{- if and (eq .role "api") $policy.callers }}
    - from:
        {{- toYaml $policy.callers | nindent 8 }}
      ports:
        - port: http
    {{- end }}
    {{- with $policy.monitoring }}
    - from:
        {{- toYaml . | nindent 8 }}
      ports:
        - port: admin
    {{- end }}
  {{- end }}
  egress:
    - to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: kube-system
          podSelector:
            matchLabels:
              k8s-app: kube-dns
      ports:
        - port: 53
          protocol: UDP
        - port: 53
          protocol: TCP
    {{- range .reaches }}
    {{- $server := index $policy.servers . }}
    {{- with $server.peers }}
    - to:
        {{- toYaml . | nindent 8 }}
      ports:
        - port: {{ $server.port }}
    {{- end }}
    {{- end }}
{{- end }}
