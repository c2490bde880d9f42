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
			eachName(profile.form(), func(name string) {
				if !strings.Contains(block, " "+name+":") {
					t.Errorf("%s is not explained", name)
				}
			})
		})
	}
}

// eachName visits the names of all fields, at any depth and in any alternative,
// but those that only choose among alternatives.
func eachName(s *schema, visit func(name string)) {
	if s == nil {
		return
	}
	for name, field := range s.Properties {
		if field.fixed() == nil {
			visit(name)
		}
		eachName(field, visit)
	}
	eachName(s.Items, visit)
	for _, branch := range s.branches() {
		eachName(branch, visit)
	}
}

func TestBlockExplainsEachField(t *testing.T) {
	t.Parallel()
	block := loadEmbedded(t).Profile("source-postgres").Block()
	for _, want := range []string{
		"    # Port (whole number, default 5432)\n    port: 5432\n",
		"    # Password (text, secret)\n    password: \"${secret:ORDERS_DB_PASSWORD}\"\n",
		"    # JDBC Parameters (text): Further parameters of the connection, as key=value&key=value\n    # jdbc_url_params:\n",
		"    replication_method:\n      # Decides which fields there are\n      method: Xmin\n      # With method CDC:\n      #   heartbeat_action_query: Heartbeat Query (text)\n",
		"    # tunnel_method:\n    #   With tunnel_method SSH_KEY_AUTH:\n    #     ssh_key: SSH Key (text, required, secret)\n",
	} {
		if !strings.Contains(block, want) {
			t.Errorf("%q is not in\n%s", want, block)
		}
	}
}

func TestBlockTellsWhatIsForbidden(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "source-hr.yaml", "name: source-hr\nkind: source\nschema: {properties: {host: {type: string, title: Host}}}\nforbidden: {host: the platform knows it}\n")
	c, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if block, want := c.Profile("source-hr").Block(), "# Host (text, not to be set: the platform knows it)\n    # host:\n"; !strings.Contains(block, want) {
		t.Errorf("%q is not in\n%s", want, block)
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
