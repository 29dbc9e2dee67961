{{/*
One of Gavel's processes: its ConfigMap and its Deployment. Takes also `command`, the role's name on the command line.
A process serves health and metrics on `admin`, and calls on `http` where it is an api.
*/}}
{{- define "workload.process" -}}
{{- $values := index .root.Values .role -}}
{{- $serves := eq .role "api" -}}
{{- $config := merge (dict "ADMIN_PORT" "9090") $values.config .root.Values.config (dict "HTTP_HOST" "0.0.0.0") -}}
{{- if $serves }}{{ $_ := set $config "HTTP_PORT" "8080" }}{{ end -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "workload.metadata" . | nindent 2 }}
data:
  {{- range $name, $value := $config }}
  {{ $name }}: {{ $value | quote }}
  {{- end }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "workload.metadata" . | nindent 2 }}
spec:
  {{- if not (or ($values.autoscaling).enabled ($values.keda).enabled) }}
  replicas: {{ $values.replicas }}
  {{- else if $running := lookup "apps/v1" "Deployment" .root.Release.Namespace (include "workload.name" .) }}
  # As many as run: were it left out where it stood before, the cluster would make it 1.
  replicas: {{ $running.spec.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  selector:
    matchLabels:
      {{- include "workload.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "workload.labels" . | nindent 8 }}
      annotations:
        # A process reads its settings once: changed ones start it anew.
        gavel/config: {{ $config | toJson | sha256sum | trunc 16 | quote }}
        {{- with lookup "v1" "Secret" .root.Release.Namespace (required "secretName: name the Secret with the servers' URLs" .root.Values.secretName) }}
        # So does another version of the Secret; its version and not a digest, which would help to guess a password.
        gavel/secret: {{ .metadata.resourceVersion | quote }}
        {{- end }}
        {{- with .root.Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "workload.podSecurity" . | nindent 6 }}
      {{- include "workload.spread" . | nindent 6 }}
      # preStop below, and then at most 10 seconds in which streams end with a hint to resume elsewhere and calls are answered.
      terminationGracePeriodSeconds: 30
      containers:
        - name: {{ .command }}
          image: {{ include "workload.image" . }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: [{{ .command }}]
          envFrom:
            - configMapRef:
                name: {{ include "workload.name" . }}
          env:
            {{- include "workload.secretEnv" (dict "root" .root "secrets" $values.secrets) | trim | nindent 12 }}
          ports:
            {{- if $serves }}
            - name: http
              containerPort: 8080
            {{- end }}
            - name: admin
              containerPort: 9090
          # Ready in a second as a rule; a slow node has a minute.
          startupProbe:
            httpGet:
              path: /livez
              port: admin
            periodSeconds: 1
            timeoutSeconds: 2
            failureThreshold: 60
          # Not /readyz: a database that is away is no reason to be started anew.
          livenessProbe:
            httpGet:
              path: /livez
              port: admin
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
          readinessProbe:
            httpGet:
              path: /readyz
              port: admin
            periodSeconds: 2
            timeoutSeconds: 5
            failureThreshold: 2
          lifecycle:
            preStop:
              # Until the proxies have heard that this pod takes no more.
              sleep:
                seconds: 5
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          {{- include "workload.containerSecurity" . | nindent 10 }}
          {{- if .root.Values.liveUpdate }}
          volumeMounts:
            - name: source
              mountPath: /source
      volumes:
        - name: source
          emptyDir:
            sizeLimit: 64Mi
          {{- end }}
{{- end }}
