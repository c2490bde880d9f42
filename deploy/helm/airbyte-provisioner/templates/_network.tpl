{{/* What both programs may call: names, Redis, and what the operator adds. */}}
{{- define "airbyte-provisioner.egress" -}}
# Names.
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
# Redis.
{{- if .Values.redis.bundled.enabled }}
- ports:
    - {port: 6379, protocol: TCP}
  to:
    - podSelector:
        matchLabels:
          {{- include "airbyte-provisioner.selector" (dict "root" . "component" "redis") | nindent 10 }}
{{- else }}
{{- $ports := fromJsonArray (include "airbyte-provisioner.redisPorts" .) }}
{{- if or $ports .Values.networkPolicy.redisTo }}
{{- $rule := dict }}
{{- if $ports }}
{{- $_ := set $rule "ports" $ports }}
{{- end }}
{{- with .Values.networkPolicy.redisTo }}
{{- $_ := set $rule "to" . }}
{{- end }}
- {{- toYaml $rule | nindent 2 }}
{{- else }}
{{- fail "where Redis is stands in a Secret (redis.external.urlKey): the NetworkPolicy needs networkPolicy.redisTo" }}
{{- end }}
{{- end }}
{{- with .Values.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The ports of the external Redis; a sentinel's and its servers' usual one. */}}
{{- define "airbyte-provisioner.redisPorts" -}}
{{- $x := .Values.redis.external -}}
{{- $addresses := concat $x.clusterAddresses $x.sentinel.addresses -}}
{{- if $x.address -}}{{- $addresses = append $addresses $x.address -}}{{- end -}}
{{- $ports := list -}}
{{- range $addresses -}}
{{- $ports = append $ports (regexFind "[0-9]+$" .) -}}
{{- end -}}
{{- if $x.sentinel.addresses -}}{{- $ports = append $ports "6379" -}}{{- end -}}
{{- $rules := list -}}
{{- range $ports | uniq | sortAlpha -}}
{{- $rules = append $rules (dict "port" (int .) "protocol" "TCP") -}}
{{- end -}}
{{- toJson $rules -}}
{{- end -}}

{{/* The port of a URL. Takes the URL. */}}
{{- define "airbyte-provisioner.port" -}}
{{- $url := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- if $port }}{{ $port }}{{ else if eq $url.scheme "https" }}443{{ else }}80{{ end -}}
{{- end -}}
