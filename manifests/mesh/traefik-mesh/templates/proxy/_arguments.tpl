{{/* Entry points: ports 5000.., 10000.. and 15000.. are the controller's own numbers. */}}
{{- define "mesh.proxyEntryPoints" -}}
{{- $proxy := .Values.proxy -}}
- --entryPoints.readiness.address=:1081
- --entryPoints.liveness.address=:1082
{{- range $port := untilStep 5000 (int (add 5000 .Values.limits.http)) 1 }}
- --entryPoints.http-{{ $port }}.address=:{{ $port }}
{{- if $proxy.forwardedHeaders.trustedIPs }}
- --entryPoints.http-{{ $port }}.forwardedHeaders.trustedIPs={{ join "," $proxy.forwardedHeaders.trustedIPs }}
{{- else if $proxy.forwardedHeaders.insecure }}
- --entryPoints.http-{{ $port }}.forwardedHeaders.insecure=true
{{- end }}
- --entryPoints.http-{{ $port }}.transport.lifeCycle.requestAcceptGraceTimeout={{ $proxy.requestAcceptGraceTimeout }}
{{- end }}
{{- range $port := untilStep 10000 (int (add 10000 .Values.limits.tcp)) 1 }}
- --entryPoints.tcp-{{ $port }}.address=:{{ $port }}
- --entryPoints.tcp-{{ $port }}.transport.lifeCycle.requestAcceptGraceTimeout={{ $proxy.requestAcceptGraceTimeout }}
{{- end }}
{{- range $port := untilStep 15000 (int (add 15000 .Values.limits.udp)) 1 }}
- --entryPoints.udp-{{ $port }}.address=:{{ $port }}/udp
{{- end }}
{{- end }}

{{- define "mesh.proxyTracing" -}}
{{- with .Values.tracing.jaeger }}
{{- if .enabled }}
- --tracing.serviceName={{ $.Values.tracing.serviceName }}
- --tracing.jaeger=true
- --tracing.jaeger.localAgentHostPort={{ .localAgentHostPort | default (printf "jaeger-agent.%s.svc:6831" $.Release.Namespace) }}
{{- with .samplingServerURL }}
- --tracing.jaeger.samplingServerURL={{ . }}
{{- end }}
- --tracing.jaeger.samplingType={{ .samplingType }}
- --tracing.jaeger.samplingParam={{ .samplingParam }}
- --tracing.jaeger.propagation={{ .propagation }}
- --tracing.jaeger.gen128Bit={{ .gen128Bit }}
# Traefik's default is true: the name is then looked up once, and where it is unknown tracing stays off for good.
- --tracing.jaeger.disableAttemptReconnecting=false
{{- end }}
{{- end }}
{{- end }}

{{- define "mesh.proxyMetrics" -}}
{{- with .Values.metrics.prometheus }}
{{- if .enabled }}
- --metrics.prometheus=true
- --metrics.prometheus.addEntryPointsLabels={{ .addEntrypointsLabels }}
- --metrics.prometheus.addServicesLabels={{ .addServiceLabels }}
- --metrics.prometheus.addRoutersLabels={{ .addRoutersLabels }}
- --metrics.prometheus.buckets={{ kindIs "string" .buckets | ternary .buckets (join "," (kindIs "string" .buckets | ternary (list) .buckets)) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "mesh.proxyArguments" -}}
{{- $proxy := .Values.proxy }}
{{- include "mesh.proxyEntryPoints" . }}
- --providers.http.endpoint=http://{{ .Release.Name }}-controller.{{ .Release.Namespace }}.svc:9000/api/configuration/current
- --providers.http.pollInterval={{ $proxy.pollInterval }}
- --providers.http.pollTimeout={{ $proxy.pollTimeout }}
{{- with $proxy.throttleDuration }}
- --providers.providersThrottleDuration={{ . }}
{{- end }}
{{- range $field, $value := $proxy.forwardingTimeouts }}
{{- with $value }}
- --serversTransport.forwardingTimeouts.{{ $field }}={{ . }}
{{- end }}
{{- end }}
# Port 8080: the readiness check, the metrics and the configuration as the proxy has it.
- --api.insecure=true
- --api.dashboard=false
- --ping=true
- --log.level={{ $proxy.logLevel | default .Values.logLevel | upper }}
- --log.format={{ $proxy.logFormat | default .Values.logFormat }}
- --global.checkNewVersion=false
- --global.sendAnonymousUsage=false
{{- with include "mesh.proxyTracing" . }}
{{- . }}
{{- end }}
{{- with include "mesh.proxyMetrics" . }}
{{- . }}
{{- end }}
{{- range $proxy.additionalArguments }}
- {{ . | quote }}
{{- end }}
{{- end }}
