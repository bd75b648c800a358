{{/* Labels. app and component are not free to choose: the controller leaves pods and services labelled app=maesh out of the
     mesh, finds the proxies by component=maesh-mesh, and gives the shadow services that selector. */}}
{{- define "mesh.labels" -}}
{{ include "mesh.selectorLabels" . }}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .part }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name (.root.Chart.Version | replace "+" "_") }}
{{- end }}

{{- define "mesh.selectorLabels" -}}
app: maesh
component: {{ .component }}
release: {{ .root.Release.Name | quote }}
{{- end }}

{{/* The three parts of the mesh, as the label templates want them. */}}
{{- define "mesh.controllerLabels" -}}
{{ include "mesh.labels" (dict "root" . "component" "controller" "part" "controller") }}
{{- end }}

{{- define "mesh.proxyLabels" -}}
{{ include "mesh.labels" (dict "root" . "component" "maesh-mesh" "part" "proxy") }}
{{- end }}

{{- define "mesh.corednsLabels" -}}
{{ include "mesh.labels" (dict "root" . "component" "coredns" "part" "dns") }}
{{- end }}

{{- define "mesh.cleanupLabels" -}}
{{ include "mesh.labels" (dict "root" . "component" "cleanup" "part" "cleanup") }}
{{- end }}

{{/* What every pod has, from its part of the values. lowPorts lets it listen below 1024 without a capability: one of the
     sysctls that Kubernetes counts as safe. */}}
{{- define "mesh.podCommon" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
  {{- if .lowPorts }}
  sysctls:
    - name: net.ipv4.ip_unprivileged_port_start
      value: "0"
  {{- end }}
{{- with .part.image.pullSecret }}
imagePullSecrets:
  - name: {{ . | quote }}
{{- end }}
{{- range $field := list "nodeSelector" "tolerations" "affinity" }}
{{- with index $.part $field }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .part.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end }}

{{/* What every container has, from its part of the values. Resources are given as request and limit, each with cpu and mem;
     an empty quantity is left out. */}}
{{- define "mesh.containerCommon" -}}
image: {{ printf "%s:%s" .image.name .image.tag | quote }}
imagePullPolicy: {{ .image.pullPolicy | default "IfNotPresent" }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- $kinds := dict }}
{{- range $key, $kind := dict "request" "requests" "limit" "limits" }}
  {{- $given := index ($.resources | default dict) $key | default dict }}
  {{- $quantities := dict }}
  {{- with $given.cpu }}{{ $_ := set $quantities "cpu" (toString .) }}{{ end }}
  {{- with $given.mem }}{{ $_ := set $quantities "memory" (toString .) }}{{ end }}
  {{- if $quantities }}{{ $_ := set $kinds $kind $quantities }}{{ end }}
{{- end }}
{{- with $kinds }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "mesh.controllerLogging" -}}
- --logLevel={{ .Values.controller.logLevel | default .Values.logLevel }}
- --logFormat={{ .Values.controller.logFormat | default .Values.logFormat }}
{{- end }}
