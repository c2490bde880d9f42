package catalog

import (
	"strings"
	"testing"

	"airbyte-provisioner/internal/workload"

	"gopkg.in/yaml.v3"
)

func TestBlocksOfConnectorsAreReadyForUse(t *testing.T) {
	t.Parallel()
	c := loadEmbedded(t)
	for _, profile := range c.Profiles() {
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			block := profile.Block()
			var read map[Role]struct {
				Name, Connector         string
				ConnectionConfiguration map[string]any `yaml:"connectionConfiguration"`
			}
			if err := yaml.Unmarshal([]byte(block), &read); err != nil {
				t.Fatalf("%v in\n%s", err, block)
			}
			actor := read[profile.Role]
			if actor.Name == "" || actor.Connector != profile.Name {
				t.Errorf("the block is\n%s", block)
			}
			accepted := c.Accept(profile.Role, workload.Actor{Connector: actor.Connector}, actor.ConnectionConfiguration)
			if len(accepted.Problems)+len(accepted.Warnings) > 0 {
				t.Errorf("%v %v\n%s", lines(accepted.Problems), lines(accepted.Warnings), block)
			}
			for name := range profile.form().Properties {
				if !strings.Contains(block, " "+name+":") {
					t.Errorf("%s is not explained", name)
				}
			}
		})
	}
}

func TestBlockExplainsEachField(t *testing.T) {
	t.Parallel()
	block := loadEmbedded(t).Profile("source-postgres").Block()
	for _, want := range []string{
		"    # Port (whole number, default 5432)\n    port: 5432\n",
		"    # Password (text, secret)\n    password: \"${secret:ORDERS_DB_PASSWORD}\"\n",
		"    # JDBC Parameters (text): Further parameters of the connection, as key=value&key=value\n    # jdbc_url_params:\n",
		"    replication_method:\n      # (text, required); one of Xmin\n      method: Xmin\n",
	} {
		if !strings.Contains(block, want) {
			t.Errorf("%q is not in\n%s", want, block)
		}
	}
}

func TestDocumentNamesEveryField(t *testing.T) {
	t.Parallel()
	text := loadEmbedded(t).Markdown()
	for _, want := range []string{
		"## destination-snowflake\n", "| `credentials (Key Pair Authentication).private_key` | Private Key (text, required, secret): RSA key in PEM form |\n",
		"| `streams[].format (csv).delimiter` | Delimiter (text) |\n", "| `database` | Database (text, derived where absent): The domain's name if nothing is given |\n",
		"| `host` | Host (text, usually set by the platform): ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if text != loadEmbedded(t).Markdown() {
		t.Error("it is not the same twice")
	}
}
