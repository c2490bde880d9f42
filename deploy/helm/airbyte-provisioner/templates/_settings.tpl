{{/* The settings that are not secret, as the programs' YAML file. */}}
{{- define "airbyte-provisioner.config" -}}
{{- $v := .Values -}}
{{- $config := deepCopy $v.settings -}}
{{- $airbyte := deepCopy (default dict $config.airbyte) -}}
{{- if $v.worker.enabled -}}
{{- $_ := required "airbyte.baseUrl is missing: the URL of Airbyte's Configuration API" $v.airbyte.baseUrl -}}
{{- if not (or $v.airbyte.workspaceId $v.airbyte.workspaces) -}}
{{- fail "airbyte.workspaceId is missing (or airbyte.workspaces, by environment)" -}}
{{- end -}}
{{- end -}}
{{- with $v.airbyte.baseUrl }}{{- $_ := set $airbyte "baseUrl" . -}}{{- end -}}
{{- with $v.airbyte.uiUrl }}{{- $_ := set $airbyte "uiUrl" . -}}{{- end -}}
{{- with $v.airbyte.workspaceId }}{{- $_ := set $airbyte "workspaceId" . -}}{{- end -}}
{{- with $v.airbyte.workspaces }}{{- $_ := set $airbyte "workspaces" . -}}{{- end -}}
{{- with $airbyte }}{{- $_ := set $config "airbyte" . -}}{{- end -}}
{{- with $v.instance }}{{- $_ := set $config "instance" . -}}{{- end -}}
{{- $_ := set $config "shutdownTimeout" (printf "%ds" (int $v.shutdownTimeoutSeconds)) -}}
{{- toYaml $config -}}
{{- end -}}

{{/* Where a worker's queue is in Redis: the instance's name begins it. Takes {root, queue}. */}}
{{- define "airbyte-provisioner.queue" -}}
{{ .root.Values.instance }}{{ .queue }}
{{- end -}}

{{/* The weights of the queues that the workers serve. */}}
{{- define "airbyte-provisioner.weights" -}}
{{- toYaml (default (dict "provision" 6 "unprovision" 3 "access" 2 "validate" 1) .Values.worker.queues) -}}
{{- end -}}

{{/* "queue:weight,...": in the order of the alphabet, so that it is always the same. */}}
{{- define "airbyte-provisioner.queues" -}}
{{- $pairs := list -}}
{{- range $queue, $weight := fromYaml (include "airbyte-provisioner.weights" .) -}}
{{- $pairs = append $pairs (printf "%s:%d" $queue (int $weight)) -}}
{{- end -}}
{{- join "," $pairs -}}
{{- end -}}

{{/* Where Redis is, as environment variables without anything secret. */}}
{{- define "airbyte-provisioner.redisEnv" -}}
{{- $x := .Values.redis.external -}}
{{- if .Values.redis.bundled.enabled }}
- name: REDIS_URL
  value: redis://{{ include "airbyte-provisioner.fullname" . }}-redis:6379/0
{{- else if $x.urlKey }}
{{- /* REDIS_URL_FILE is among the secret settings. */}}
{{- else if $x.clusterAddresses }}
- name: REDIS_CLUSTER_ADDRS
  value: {{ join "," $x.clusterAddresses | quote }}
{{- else if $x.sentinel.addresses }}
- name: REDIS_URL
  value: redis-sentinel://{{ join "," $x.sentinel.addresses }}/{{ int $x.database }}?master={{ required "redis.external.sentinel.master is missing" $x.sentinel.master | urlquery }}
{{- else }}
- name: REDIS_URL
  value: redis://{{ $x.address }}/{{ int $x.database }}
{{- end }}
{{- if not (or .Values.redis.bundled.enabled $x.urlKey) }}
{{- if $x.tls }}
- name: REDIS_TLS
  value: "true"
{{- end }}
{{- with $x.username }}
- name: REDIS_USERNAME
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Secret settings that the API and the workers share, as {NAME: {existingSecret, key}}. */}}
{{- define "airbyte-provisioner.sharedSecrets" -}}
{{- toYaml (merge (deepCopy .Values.secretSettings) (fromYaml (include "airbyte-provisioner.redisSecrets" .))) -}}
{{- end -}}

{{/* Those of them that say where Redis is. */}}
{{- define "airbyte-provisioner.redisSecrets" -}}
{{- $x := .Values.redis.external -}}
{{- $b := .Values.redis.bundled -}}
{{- $found := dict -}}
{{- if $b.enabled -}}
{{- if $b.existingSecret -}}
{{- $_ := set $found "REDIS_PASSWORD" (dict "existingSecret" $b.existingSecret "key" $b.passwordKey) -}}
{{- end -}}
{{- else if $x.urlKey -}}
{{- $_ := set $found "REDIS_URL" (dict "existingSecret" $x.existingSecret "key" $x.urlKey) -}}
{{- else if $x.existingSecret -}}
{{- $_ := set $found "REDIS_PASSWORD" (dict "existingSecret" $x.existingSecret "key" $x.passwordKey) -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{- define "airbyte-provisioner.apiSecrets" -}}
{{- $found := fromYaml (include "airbyte-provisioner.sharedSecrets" .) -}}
{{- with .Values.api.tokens }}
{{- if .existingSecret -}}
{{- $_ := set $found "API_TOKENS" (dict "existingSecret" .existingSecret "key" .key) -}}
{{- end -}}
{{- end -}}
{{- toYaml (merge (deepCopy .Values.api.secretSettings) $found) -}}
{{- end -}}

{{- define "airbyte-provisioner.workerSecrets" -}}
{{- $found := fromYaml (include "airbyte-provisioner.sharedSecrets" .) -}}
{{- with .Values.airbyte.auth -}}
{{- if .clientSecretKey -}}
{{- $_ := set $found "AIRBYTE_CLIENT_SECRET" (dict "existingSecret" .existingSecret "key" .clientSecretKey) -}}
{{- end -}}
{{- if .passwordKey -}}
{{- $_ := set $found "AIRBYTE_PASSWORD" (dict "existingSecret" .existingSecret "key" .passwordKey) -}}
{{- end -}}
{{- end -}}
{{- toYaml (merge (deepCopy .Values.worker.secretSettings) $found) -}}
{{- end -}}

{{/* NAME_FILE for each secret setting. Takes the map. */}}
{{- define "airbyte-provisioner.secretEnv" -}}
{{- range $name, $_ := . }}
- name: {{ $name }}_FILE
  value: /run/secrets/airbyte-provisioner/{{ $name }}
{{- end }}
{{- end -}}

{{/* The volumes of both programs. Takes {root, secrets}. */}}
{{- define "airbyte-provisioner.volumes" -}}
- name: config
  configMap:
    name: {{ include "airbyte-provisioner.fullname" .root }}
{{- with .secrets }}
- name: secret-settings
  projected:
    defaultMode: 288 # 0440
    sources:
      {{- range $name, $from := . }}
      - secret:
          name: {{ required (printf "the setting %s names no existingSecret" $name) $from.existingSecret }}
          items:
            - {key: {{ $from.key | quote }}, path: {{ $name }}}
      {{- end }}
{{- end }}
{{- if include "airbyte-provisioner.catalogConfigMap" .root }}
- name: catalog
  configMap:
    name: {{ include "airbyte-provisioner.catalogConfigMap" .root }}
{{- end }}
{{- with .root.Values.extraCertificates.existingConfigMap }}
- name: certificates
  configMap:
    name: {{ . }}
{{- end }}
{{- end -}}

{{- define "airbyte-provisioner.volumeMounts" -}}
- name: config
  mountPath: /etc/airbyte-provisioner
  readOnly: true
{{- if .secrets }}
- name: secret-settings
  mountPath: /run/secrets/airbyte-provisioner
  readOnly: true
{{- end }}
{{- if include "airbyte-provisioner.catalogConfigMap" .root }}
- name: catalog
  mountPath: /etc/airbyte-provisioner-catalog
  readOnly: true
{{- end }}
{{- if .root.Values.extraCertificates.existingConfigMap }}
- name: certificates
  mountPath: /etc/airbyte-provisioner-certificates
  readOnly: true
{{- end }}
{{- end -}}

{{/* Environment variables of both programs that name mounted files. */}}
{{- define "airbyte-provisioner.mountEnv" -}}
{{- if include "airbyte-provisioner.catalogConfigMap" . }}
- name: CATALOG_DIR
  value: /etc/airbyte-provisioner-catalog
{{- end }}
{{- if .Values.extraCertificates.existingConfigMap }}
# Read in addition to the public authorities.
- name: SSL_CERT_DIR
  value: /etc/airbyte-provisioner-certificates
{{- end }}
{{- end -}}

{{- define "airbyte-provisioner.catalogConfigMap" -}}
{{- if .Values.catalog.existingConfigMap -}}
{{ .Values.catalog.existingConfigMap }}
{{- else if .Values.catalog.files -}}
{{ include "airbyte-provisioner.fullname" . }}-catalog
{{- end -}}
{{- end -}}

{{- define "airbyte-provisioner.principalsConfigMap" -}}
{{- if .Values.principals.existingConfigMap -}}
{{ .Values.principals.existingConfigMap }}
{{- else if .Values.principals.table -}}
{{ include "airbyte-provisioner.fullname" . }}-principals
{{- end -}}
{{- end -}}

{{/* A change of what is mounted from the chart's own ConfigMaps starts new pods. */}}
{{- define "airbyte-provisioner.checksums" -}}
checksum/config: {{ include "airbyte-provisioner.config" . | sha256sum }}
{{- with .Values.catalog.files }}
checksum/catalog: {{ toYaml . | sha256sum }}
{{- end }}
{{- end -}}
