{{/*
One Ingress a host, and all paths in it: F5's NGINX controller lets only one Ingress have a host. The annotations are
for it (nginx.org) and for ingress-nginx; without buffering, since a watcher's events must not wait for more to come.
A pod that does not accept the connection within 2 seconds, such as one whose node is gone, is given up for another one.
A call that was sent is not sent again, unless it does no harm: deploy/nginx-ingress.yaml.
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
    nginx.org/proxy-connect-timeout: 2s
    nginx.org/proxy-next-upstream: error timeout
    nginx.org/proxy-next-upstream-tries: "3"
    nginx.org/proxy-read-timeout: {{ .streamSecondsMax }}s
    nginx.org/proxy-send-timeout: {{ .streamSecondsMax }}s
    nginx.ingress.kubernetes.io/proxy-body-size: 1m
    nginx.ingress.kubernetes.io/proxy-buffering: "off"
    nginx.ingress.kubernetes.io/proxy-connect-timeout: "2"
    nginx.ingress.kubernetes.io/proxy-next-upstream: error timeout
    nginx.ingress.kubernetes.io/proxy-next-upstream-tries: "3"
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

{{/*
The same routes for the Gateway API. A stream has no end that a gateway could wait for; of the other calls a service
answers each within 10 seconds, or not at all. With `retries`, what does no harm is sent again: reads, and calls with a
key in a header.
*/}}
{{- define "workload.httpRoute" -}}
{{- $ingress := .root.Values.ingress }}
{{- $streams := dict "/bids.v1.BidService/" (list "WatchItems") -}}
{{- $reads := dict
  "/bids.v1.BidService/" (list "GetItem" "GetItemBids" "GetLeaderboard" "ListItems" "ListMyBids" "ListSellerItems")
  "/userstats.v1.UserStatsService/" (list "GetUserStats" "ListTopBidders") -}}
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
    {{- range $route := $ingress.routes }}
    {{- with get $streams .path }}
    - matches:
        {{- range . }}
        - path: {type: Exact, value: {{ $route.path }}{{ . }}}
        {{- end }}
      timeouts: {request: 0s}
      {{- include "workload.httpBackend" $route | nindent 6 }}
    {{- end }}
    {{- $read := get $reads .path }}
    {{- if and $read $.root.Values.gateway.retries }}
    - matches:
        {{- range $read }}
        - path: {type: Exact, value: {{ $route.path }}{{ . }}}
        {{- end }}
        - path: {type: PathPrefix, value: {{ $route.path }}}
          headers:
            - {type: RegularExpression, name: Idempotency-Key, value: .+}
      timeouts: {request: 30s, backendRequest: 12s}
      retry:
        attempts: {{ $.root.Values.gateway.retries }}
        backoff: 100ms
        codes: [502, 503]
      {{- include "workload.httpBackend" $route | nindent 6 }}
    {{- end }}
    - matches:
        - path: {type: PathPrefix, value: {{ .path }}}
      timeouts: {request: 30s, backendRequest: 12s}
      {{- include "workload.httpBackend" $route | nindent 6 }}
    {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "workload.httpBackend" -}}
backendRefs:
  - name: {{ .service }}
    port: 80
{{- end }}
