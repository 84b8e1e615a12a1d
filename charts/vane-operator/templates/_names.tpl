{{- define "vane-operator.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What is in no namespace is named after ours, so that each namespace may have an operator. */}}
{{- define "vane-operator.clusterwide" -}}
{{- printf "%s-%s" (include "vane-operator.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "vane-operator.account" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "vane-operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Part of the Deployment's selector: it can never change. */}}
{{- define "vane-operator.selector" -}}
app.kubernetes.io/name: vane-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "vane-operator.labels" -}}
{{ include "vane-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: vane
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "vane-operator.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "vane-operator.subjects" -}}
subjects:
- kind: ServiceAccount
  name: {{ include "vane-operator.account" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
