{{/* Labels of a resource. Call with (dict "root" $ "process" name). */}}
{{- define "mosafe.labels" -}}
app.kubernetes.io/name: {{ .process }}
app.kubernetes.io/part-of: mosafe
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* The labels that select the pods of a process; they never change. */}}
{{- define "mosafe.selector" -}}
app.kubernetes.io/name: {{ .process }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "mosafe.image" -}}
{{ .root.Values.image.registry }}/{{ .process }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- with index .root.Values.image.digests .process }}@{{ . }}{{ end }}
{{- end }}

{{- define "mosafe.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "mosafe.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Whether the processes have certificates of their own; otherwise a mesh does mutual TLS. */}}
{{- define "mosafe.mutualTls" -}}
{{- if ne .Values.certificates.mode "mesh" }}true{{ end }}
{{- end }}

{{/* The variables of mutual TLS. The certificate has the identity of the process, and is read again when it is renewed. */}}
{{- define "mosafe.tlsEnv" -}}
- {name: MOSAFE_TLS_CERT_FILE, value: /run/certs/tls.crt}
- {name: MOSAFE_TLS_KEY_FILE, value: /run/certs/tls.key}
- {name: MOSAFE_TLS_CA_FILE, value: /run/certs/ca.crt}
{{- end }}

{{/* The variables of a process. */}}
{{- define "mosafe.env" -}}
{{- $root := .root -}}
{{- with index $root.Values.processes .process -}}
{{- range $variable, $call := .calls }}
- name: {{ $variable }}
  {{- with index $root.Values.processes $call.process }}
  value: http{{ if include "mosafe.mutualTls" $root }}s{{ end }}://{{ .service }}:{{ .port }}{{ $call.path }}
  {{- end }}
{{- end }}
{{- range .secrets }}
- {name: {{ upper . }}_FILE, value: /run/secrets/{{ . }}}
{{- end }}
{{- if .kafka }}
- {name: KAFKA_BROKERS, value: {{ $root.Values.kafkaBrokers | quote }}}
{{- end }}
{{- end }}
{{- end }}

{{- define "mosafe.mounts" -}}
- {name: temporary, mountPath: /tmp}
- {name: data, mountPath: /var/lib/mosafe}
{{- if (index .root.Values.processes .process).secrets }}
- {name: secrets, mountPath: /run/secrets, readOnly: true}
{{- end }}
{{- end }}

{{/* Volumes of a pod. 288 is 0440: the owner and the group may read. */}}
{{- define "mosafe.volumes" -}}
- {name: temporary, emptyDir: {sizeLimit: 64Mi}}
- {name: data, emptyDir: {sizeLimit: 64Mi}}
{{- if (index .root.Values.processes .process).secrets }}
- {name: secrets, secret: {secretName: {{ .root.Values.secretPrefix }}{{ .process }}, defaultMode: 288}}
{{- end }}
{{- end }}
