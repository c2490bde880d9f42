package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	c := load(t, "", "API_TOKENS=hush1,hush2", "REDIS_URL=redis://u:hush@x", "FINGERPRINT_KEY=hush", "AIRBYTE_CLIENT_ID=i",
		"AIRBYTE_CLIENT_SECRET=hush", "SNOWFLAKE_PASSWORD=hush", "SNOWFLAKE_PRIVATE_KEY=hush", "SNOWFLAKE_PRIVATE_KEY_PASSWORD=hush")
	secret := c.Airbyte.ClientSecret
	printed := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%10.3s"} {
		printed["the secret with "+verb] = fmt.Sprintf(verb, secret)
		printed["its address with "+verb] = fmt.Sprintf(verb, &secret)
		printed["a map with "+verb] = fmt.Sprintf(verb, map[Secret]Secret{secret: secret})
		printed["the section with "+verb] = fmt.Sprintf(verb, c.Airbyte)
		printed["all with "+verb] = fmt.Sprintf(verb, &c)
	}
	for name, value := range map[string]any{"secret": secret, "config": c} {
		asJSON, err := json.Marshal(value)
		if err != nil {
			t.Error(err)
		}
		asYAML, err := yaml.Marshal(value)
		if err != nil {
			t.Error(err)
		}
		var logged bytes.Buffer
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "v", value)
		slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "v", value)
		printed["JSON of "+name] = string(asJSON)
		printed["YAML of "+name] = string(asYAML)
		printed["log of "+name] = logged.String()
	}
	printed["where Redis is"] = c.Redis.Where()
	for how, text := range printed {
		if strings.Contains(text, "hush") || strings.Contains(text, fmt.Sprintf("%x", "hush")) {
			t.Errorf("%s shows a secret: %s", how, text)
		}
	}
	if fmt.Sprint(secret) != "***" || fmt.Sprint(Secret("")) != "" || secret.Reveal() != "hush" {
		t.Error("a secret prints as asterisks, an absent one as nothing")
	}
}
