{{- define "airbyte-provisioner.kedaRedisType" -}}
{{- if .Values.redis.bundled.enabled -}}
redis
{{- else if .Values.redis.external.clusterAddresses -}}
redis-cluster
{{- else if .Values.redis.external.sentinel.addresses -}}
redis-sentinel
{{- else -}}
redis
{{- end -}}
{{- end -}}

{{/* Where KEDA finds Redis, as the metadata of a trigger: texts only. */}}
{{- define "airbyte-provisioner.kedaRedis" -}}
{{- $x := .Values.redis.external -}}
{{- if .Values.redis.bundled.enabled -}}
address: {{ include "airbyte-provisioner.fullname" . }}-redis.{{ .Release.Namespace }}:6379
{{- else -}}
{{- if $x.clusterAddresses -}}
addresses: {{ join "," $x.clusterAddresses | quote }}
{{- else if $x.sentinel.addresses -}}
addresses: {{ join "," $x.sentinel.addresses | quote }}
sentinelMaster: {{ $x.sentinel.master | quote }}
databaseIndex: {{ int $x.database | quote }}
{{- else -}}
address: {{ $x.address | quote }}
databaseIndex: {{ int $x.database | quote }}
{{- end }}
enableTLS: {{ $x.tls | quote }}
{{- with $x.username }}
username: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Not empty where Redis has a password. */}}
{{- define "airbyte-provisioner.kedaRedisSecret" -}}
{{- if (fromYaml (include "airbyte-provisioner.redisSecrets" .)).REDIS_PASSWORD -}}
yes
{{- end -}}
{{- end -}}
