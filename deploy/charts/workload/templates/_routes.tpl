{{/*
One Ingress a host, and all paths in it: F5's NGINX controller lets only one Ingress have a host. The annotations are
for it (nginx.org) and for ingress-nginx; without buffering, since a watcher's events must not wait for more to come.
*/}}
{{- define "workload.ingress" -}}
{{- with .root.Values.ingress }}
{{- if .enabled }}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "workload.metadata" $ | nindent 2 }}
  annotations:
    nginx.org/client-max-body-size: 1m
    nginx.org/proxy-buffering: "False"
    nginx.org/proxy-read-timeout: {{ .streamSecondsMax }}s
    nginx.org/proxy-send-timeout: {{ .streamSecondsMax }}s
    nginx.ingress.kubernetes.io/proxy-body-size: 1m
    nginx.ingress.kubernetes.io/proxy-buffering: "off"
    nginx.ingress.kubernetes.io/proxy-read-timeout: {{ .streamSecondsMax | quote }}
    nginx.ingress.kubernetes.io/proxy-send-timeout: {{ .streamSecondsMax | quote }}
    {{- if .callsPerSecondMax }}
    nginx.org/limit-req-key: ${binary_remote_addr}
    nginx.org/limit-req-rate: {{ .callsPerSecondMax }}r/s
    nginx.org/limit-req-burst: {{ .callsPerSecondMax | quote }}
    nginx.org/limit-req-no-delay: "true"
    nginx.org/limit-req-zone-size: 10m
    nginx.org/limit-req-reject-code: "429"
    nginx.ingress.kubernetes.io/limit-rps: {{ .callsPerSecondMax | quote }}
    nginx.ingress.kubernetes.io/limit-burst-multiplier: "1"
    {{- end }}
    {{- with .annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  ingressClassName: {{ .className }}
  {{- with .tlsSecretName }}
  tls:
    - hosts: [{{ $.root.Values.ingress.host }}]
      secretName: {{ . }}
  {{- end }}
  rules:
    - host: {{ .host }}
      http:
        paths:
          {{- range .routes }}
          - path: {{ .path }}
            pathType: Prefix
            backend:
              service:
                name: {{ .service }}
                port:
                  name: http
          {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The same routes for the Gateway API. */}}
{{- define "workload.httpRoute" -}}
{{- $ingress := .root.Values.ingress }}
{{- with .root.Values.gateway }}
{{- if .enabled }}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  {{- include "workload.metadata" $ | nindent 2 }}
spec:
  parentRefs:
    {{- toYaml .parentRefs | nindent 4 }}
  hostnames: [{{ $ingress.host }}]
  rules:
    {{- range $ingress.routes }}
    - matches:
        - path:
            type: PathPrefix
            value: {{ .path }}
      # A stream of events has no end that a gateway could wait for.
      timeouts:
        request: 0s
      backendRefs:
        - name: {{ .service }}
          port: 80
    {{- end }}
{{- end }}
{{- end }}
{{- end }}
