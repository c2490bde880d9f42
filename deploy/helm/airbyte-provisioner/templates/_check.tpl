{{/* What a schema cannot say. */}}
{{- define "airbyte-provisioner.check" -}}
{{- $v := .Values -}}
{{- $closed := or $v.api.tokens.existingSecret $v.api.oidc.issuer -}}
{{- if and $v.api.enabled (not $closed) (not $v.api.allowAnonymous) -}}
{{- fail "the API has no tokens: name a Secret in api.tokens.existingSecret or a provider in api.oidc.issuer, or set api.allowAnonymous: true to leave it open to everybody who reaches it" -}}
{{- end -}}
{{- if and $closed $v.api.allowAnonymous -}}
{{- fail "api.allowAnonymous contradicts api.tokens.existingSecret and api.oidc.issuer: with either the API is not open" -}}
{{- end -}}
{{- if ne (empty $v.api.oidc.issuer) (empty $v.api.oidc.audience) -}}
{{- fail "api.oidc.issuer and api.oidc.audience belong together" -}}
{{- end -}}
{{- $x := $v.redis.external -}}
{{- $external := 0 -}}
{{- range list $x.address $x.sentinel.addresses $x.clusterAddresses $x.urlKey -}}
{{- if . }}{{- $external = add $external 1 -}}{{- end -}}
{{- end -}}
{{- if $v.redis.bundled.enabled -}}
{{- if gt (int $external) 0 -}}
{{- fail "redis.bundled.enabled and redis.external name two Redis servers: keep one" -}}
{{- end -}}
{{- if and (not $v.redis.bundled.existingSecret) (not $v.redis.bundled.allowNoPassword) -}}
{{- fail "the bundled Redis has no password: name a Secret in redis.bundled.existingSecret, or set redis.bundled.allowNoPassword: true" -}}
{{- end -}}
{{- else if eq (int $external) 0 -}}
{{- fail "there is no Redis: name one in redis.external (address, sentinel, clusterAddresses or urlKey), or set redis.bundled.enabled: true" -}}
{{- else if gt (int $external) 1 -}}
{{- fail "redis.external names more than one of address, sentinel, clusterAddresses and urlKey: keep one" -}}
{{- end -}}
{{- if and $x.urlKey (not $x.existingSecret) -}}
{{- fail "redis.external.urlKey is a key of redis.external.existingSecret, which is missing" -}}
{{- end -}}
{{- with $v.airbyte.auth -}}
{{- if and (or .clientIdKey .clientSecretKey .usernameKey .passwordKey) (not .existingSecret) -}}
{{- fail "airbyte.auth names keys of no Secret: set airbyte.auth.existingSecret" -}}
{{- end -}}
{{- if ne (empty .clientIdKey) (empty .clientSecretKey) -}}
{{- fail "airbyte.auth.clientIdKey and airbyte.auth.clientSecretKey belong together" -}}
{{- end -}}
{{- if ne (empty .usernameKey) (empty .passwordKey) -}}
{{- fail "airbyte.auth.usernameKey and airbyte.auth.passwordKey belong together" -}}
{{- end -}}
{{- if and .clientIdKey .usernameKey -}}
{{- fail "airbyte.auth is either an application (clientIdKey, clientSecretKey) or a user (usernameKey, passwordKey)" -}}
{{- end -}}
{{- if and .existingSecret (not .clientIdKey) (not .usernameKey) -}}
{{- fail "airbyte.auth.existingSecret has no use: name clientIdKey and clientSecretKey, or usernameKey and passwordKey" -}}
{{- end -}}
{{- end -}}
{{- if and $v.catalog.files $v.catalog.existingConfigMap -}}
{{- fail "catalog.files and catalog.existingConfigMap exclude each other" -}}
{{- end -}}
{{- if and $v.principals.table $v.principals.existingConfigMap -}}
{{- fail "principals.table and principals.existingConfigMap exclude each other" -}}
{{- end -}}
{{- if and $v.worker.enabled $v.worker.keda.enabled -}}
{{- if and (eq $v.worker.keda.trigger "redis") $x.urlKey -}}
{{- fail "worker.keda.trigger redis cannot read where Redis is from a Secret's URL: use the trigger prometheus, or redis.external.address" -}}
{{- end -}}
{{- if and (eq $v.worker.keda.trigger "prometheus") (not $v.worker.keda.prometheus.serverAddress) -}}
{{- fail "worker.keda.prometheus.serverAddress is missing" -}}
{{- end -}}
{{- if gt (int $v.worker.keda.minReplicas) (int $v.worker.keda.maxReplicas) -}}
{{- fail "worker.keda.minReplicas is more than worker.keda.maxReplicas" -}}
{{- end -}}
{{- end -}}
{{- if and $v.api.autoscaling.enabled (gt (int $v.api.autoscaling.minReplicas) (int $v.api.autoscaling.maxReplicas)) -}}
{{- fail "api.autoscaling.minReplicas is more than api.autoscaling.maxReplicas" -}}
{{- end -}}
{{- if and $v.metrics.serviceMonitor.enabled $v.api.enabled $closed -}}
{{- if or (not $v.metrics.serviceMonitor.tokenSecret.name) (not $v.api.tokens.existingSecret) -}}
{{- fail "the API's metrics need a token: name a Secret with one of api.tokens in metrics.serviceMonitor.tokenSecret" -}}
{{- end -}}
{{- end -}}
{{- with regexFind "(?im)^\\s*(api_?tokens|\\w*password|\\w*client_?secret|\\w*private_?key|fingerprint_?key|seal_?key)\\s*:" (toYaml $v.settings) -}}
{{- fail (printf "settings holds a secret (%s): settings become a ConfigMap. Name a Secret in secretSettings, worker.secretSettings or api.secretSettings" (trim .)) -}}
{{- end -}}
{{- /* What the chart gives as a variable wins over the file; where it has a value for that, its name. */ -}}
{{- $own := dict
  "shutdownTimeout" "shutdownTimeoutSeconds"
  "instance" "instance"
  "worker.concurrency" "worker.concurrency"
  "worker.queues" "worker.queues"
  "redis.url" "redis.external"
  "redis.clusterAddrs" "redis.external.clusterAddresses"
  "redis.username" "redis.external.username"
  "worker.httpAddr" ""
  "http.addr" ""
-}}
{{- range $name, $value := $own -}}
{{- $at := $v.settings -}}
{{- range $key := splitList "." $name -}}
{{- $at = ternary (get (default dict $at) $key) nil (kindIs "map" $at) -}}
{{- end -}}
{{- if and (not (kindIs "invalid" $at)) (ne (toString $at) "") -}}
{{- if $value -}}
{{- fail (printf "settings.%s has a value of its own in this chart: %s" $name $value) -}}
{{- end -}}
{{- fail (printf "settings.%s has no use in this chart: its ports are fixed" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
