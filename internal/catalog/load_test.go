package catalog

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestBadFilesStopTheStart(t *testing.T) {
	t.Parallel()
	const head = "name: source-x\nkind: source\n"
	for name, test := range map[string]struct{ text, want string }{
		"no YAML":                  {"name: [", "source-x.yaml: line 1: did not find expected node content"},
		"no text":                  {"\xff\xfe\xfa", "source-x.yaml: "},
		"empty":                    {"# nothing\n", "source-x.yaml: line 1: the file is empty"},
		"a list":                   {"# connectors\n- name: source-x\n", "source-x.yaml: line 2: the file is no mapping"},
		"a word":                   {"source-x", "source-x.yaml: line 1: the file is no mapping"},
		"two documents":            {head + "---\nname: source-y\n", "source-x.yaml: line 4: the file holds another document"},
		"an unknown key":           {head + "titel: X\n", `source-x.yaml: line 3: "titel" is not a key of a connector's file; did you mean title?`},
		"a key twice":              {head + "kind: source\n", `source-x.yaml: line 3: mapping key "kind" already defined at line 2`},
		"two wrong types":          {head + "title: []\nhelp: {}\n", "source-x.yaml: line 3: cannot unmarshal !!seq into string; line 4: cannot unmarshal !!map into string"},
		"no name":                  {"kind: source\n", `source-x.yaml: line 1: name is ""; expected source-NAME or destination-NAME in lower case`},
		"another file's name":      {"kind: source\nname: source-y\n", `source-x.yaml: line 2: name is "source-y"; expected that of the file, "source-x"`},
		"a name in capitals":       {"name: source-X\nkind: source\n", `source-x.yaml: line 1: name is "source-X"; expected source-NAME or destination-NAME in lower case`},
		"no kind":                  {"name: source-x\n", `source-x.yaml: line 1: kind is ""; expected source or destination`},
		"the other kind":           {"name: source-x\nkind: destination\n", `source-x.yaml: line 2: name "source-x" does not begin with its kind, destination-`},
		"a definition id":          {head + "definitionId: 12\n", `source-x.yaml: line 3: definitionId is "12"; expected a UUID`},
		"a schema of a wrong type": {head + "schema:\n  type: strin\n", "source-x.yaml: line 4: the specification is not a JSON Schema:"},
		"a misspelt keyword":       {head + "schema:\n  properties:\n    a: {type: string, titel: A}\n", `source-x.yaml: line 5: "titel" is no keyword of a schema; did you mean title?`},
		"a comma without quotes":   {head + "schema:\n  properties:\n    a: {description: One, two}\n", `source-x.yaml: line 5: "two" is no keyword of a schema`},
		"a schema within itself":   {head + "schema: &a\n  items: *a\n", "source-x.yaml: line 3: anchor 'a' value contains itself"},
		"a required field of none": {head + "schema:\n  required: [hsot]\n  properties: {host: {type: string}}\n", `source-x.yaml: line 4: the schema requires the field "hsot", which it does not have; did you mean host?`},
		"a default for no field":   {head + "schema: {properties: {port: {type: integer}}}\ndefaults:\n  prt: 1\n", `source-x.yaml: line 5: the schema has no field "prt"; did you mean port?`},
		"a default of its type":    {head + "schema: {properties: {port: {type: integer, title: Port}}}\ndefaults:\n  port: many\n", `source-x.yaml: line 5: the schema refuses this value: port: is a text; expected a whole number (Port)`},
		"a default of no number":   {head + "defaults:\n  a: .nan\n", "source-x.yaml: line 4: holds what JSON cannot"},
		"a default of a setting":   {head + "defaults:\n  a: {b: \"${setting:SNOWFLAKE_HOST?}\"}\n", "source-x.yaml: line 4: a: holds a setting, of which defaults know nothing; expected it in provided"},
		"a default, misspelt":      {head + "defaults:\n  a: \"${secret: A}\"\n", "source-x.yaml: line 4: a: holds a reference that is not well-formed"},
		"a derived reference":      {head + "derived:\n  a: '\"${secret:\" + dataProduct.domain + \"}\"'\n", "source-x.yaml: line 4: the expression for a is wrong: a reference would not be resolved"},
		"an expression":            {head + "derived:\n  a: upper(domain)\n", "source-x.yaml: line 4: the expression for a is wrong: unknown name domain"},
		"an expression's syntax":   {head + "derived:\n  a: (1\n", "source-x.yaml: line 4: the expression for a is wrong: unexpected token EOF"},
		"a fact that is none":      {head + "derived:\n  a: dataProduct.title\n", "source-x.yaml: line 4: the expression for a is wrong: type catalog.productFacts has no field title"},
		"a mapping as expression":  {head + "derived:\n  a: {b: c}\n", "source-x.yaml: line 4: the expression for a is wrong: expected a text"},
		"a loop within a loop":     {head + "derived:\n  a: 'all(config.a, {all(config.b, # > 0)})'\n", "source-x.yaml: line 4: the expression for a is wrong: a loop within a loop may take too long"},
		"a long range":             {head + "derived:\n  a: sum(1..1000000000)\n", "source-x.yaml: line 4: the expression for a is wrong: a range may be too long"},
		"a text that doubles":      {head + "derived:\n  a: \"reduce(config.a, #acc + #acc, 'x')\"\n", "source-x.yaml: line 4: the expression for a is wrong: reduce may take too much memory"},
		"a value of the moment":    {head + "derived:\n  a: string(now())\n", "source-x.yaml: line 4: the expression for a is wrong: now does not always give the same result"},
		"derived is a list":        {head + "derived: [a]\n", "source-x.yaml: line 3: derived is no mapping of fields to values"},
		"an unknown setting":       {head + "provided:\n  - {field: a, value: \"${setting:SNOWFLAKE_HOSTS}\"}\n", `source-x.yaml: line 4: there is no setting "SNOWFLAKE_HOSTS"; known are SNOWFLAKE_HOST, `},
		"a setting within a text":  {head + "provided:\n  - {field: a, value: \"https://${setting:SNOWFLAKE_HOST}\"}\n", "source-x.yaml: line 4: a: holds a setting within a text; expected ${setting:NAME} alone"},
		"a misspelt reference":     {head + "provided:\n  - {field: a, value: \"${secret:A B}\"}\n", "source-x.yaml: line 4: a: holds a reference that is not well-formed"},
		"provided without a field": {head + "provided:\n  - {value: 1}\n", "source-x.yaml: line 4: an entry of provided needs a field and a value"},
		"provided with more":       {head + "provided:\n  - {field: a, value: 1, vlaue: 2}\n", `source-x.yaml: line 4: "vlaue" is not a key of an entry of provided; did you mean value?`},
		"provided is a mapping":    {head + "provided: {a: b}\n", "source-x.yaml: line 3: provided is no list of {field, value}"},
		"forbidden, misspelt":      {head + "schema: {properties: {host: {type: string}}}\nforbidden:\n  hosst: ours\n", `source-x.yaml: line 5: the schema has no field "hosst"; did you mean host?`},
		"forbidden for no reason":  {head + "forbidden:\n  host:\n", "source-x.yaml: line 4: forbidden.host gives no reason"},
		"forbidden is a list":      {head + "forbidden: [host]\n", "source-x.yaml: line 3: forbidden is no mapping of fields to values"},
		"an example of no fields":  {head + "example: [1]\n", "source-x.yaml: line 3: example is no mapping of fields to values"},
		"an example, misspelt":     {head + "schema: {properties: {host: {type: string}}}\nexample:\n  hosst: h\n", `source-x.yaml: line 5: the schema has no field "hosst"; did you mean host?`},
		"an example, mistyped":     {head + "schema: {properties: {port: {type: integer}}}\nexample:\n  port: many\n", "source-x.yaml: line 5: the schema refuses this value: port: is a text; expected a whole number"},
		"an example with a secret": {head + "schema: {properties: {pin: {type: string, airbyte_secret: true}}}\nexample:\n  pin: hunter2\n", "source-x.yaml: line 4: pin: holds a secret in clear text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "source-x.yaml", test.text)
			_, err := Load(dir)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v; it lacks %q", err, test.want)
			}
		})
	}
}

func TestEveryBadFileIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "source-a.yaml", "kind: x\n")
	write(t, dir, "source-b.yml", "name: [\n")
	write(t, dir, "source-c.yaml", "name: source-c\nkind: source\n")
	write(t, dir, "source-c.yml", "name: source-c\nkind: source\n")
	write(t, dir, "notes.txt", "not a connector")
	write(t, dir, ".hidden.yaml", "neither")
	_, err := Load(dir)
	for _, want := range []string{"source-a.yaml: line 1: ", "source-b.yml: line 1: ", "source-c.yml: the connector is in source-c.yaml already"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v; it lacks %q", err, want)
		}
	}
	if _, err := Load(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a missing directory was accepted")
	}
}

func TestOperatorsFilesAddAndReplace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "source-hr.yaml", "name: source-hr\nkind: source\ndefinitionId: 5F0D2F5A-3C1E-4D57-9C59-2A3C4F1B7E11\ndefaults: {page_size: 100}\n")
	write(t, dir, "source-faker.yaml", "name: source-faker\nkind: source\ntitle: Ours\n")
	c, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	choice, problems := c.Choose(Source, "", "5f0d2f5a-3c1e-4d57-9c59-2a3c4f1b7e11")
	if choice.Connector != "source-hr" || problems != nil {
		t.Errorf("the choice is %+v, problems %v", choice, problems)
	}
	if title := c.Profile("source-faker").Title; title != "Ours" {
		t.Errorf("the title is %q", title)
	}
	if id := c.DefinitionID(Source, workload.Actor{Connector: "source-faker"}); id != "" {
		t.Errorf("the replaced file's id is %q", id)
	}
	const faker = "dfd88b22-b603-4c3d-aad7-3701784586b1"
	for _, name := range []string{"", "source-faker"} { // or the operator's rules could be evaded
		if choice, problems := c.Choose(Source, name, faker); choice != (Choice{"source-faker", faker}) || problems != nil {
			t.Errorf("the connector %q with the replaced one's id is %+v, problems %v", name, choice, problems)
		}
	}
}

func TestOperatorsMayForbidAndDropFields(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "source-hr.yaml", "name: source-hr\nkind: source\nforbidden: {net.host: the platform knows it}\ndropped: {old: gone since 2.0}\n")
	c, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	accepted := c.Accept(Source, workload.Actor{Connector: "source-hr"}, fields(t, `{"net": {"host": "h"}, "old": 1, "new": 2}`))
	if diff := cmp.Diff([]string{"net.host: may not be set by a descriptor: the platform knows it"}, lines(accepted.Problems)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"old: is ignored: gone since 2.0"}, lines(accepted.Warnings)); diff != "" {
		t.Error(diff)
	}
	if _, there := accepted.Configuration["old"]; there {
		t.Error("the dropped field is still there")
	}
}

func TestShippedConnectors(t *testing.T) {
	t.Parallel()
	var names []string
	for _, profile := range loadEmbedded(t).Profiles() {
		names = append(names, profile.Name)
		if profile.Title == "" || profile.Help == "" || profile.Example == nil || profile.DefinitionID == "" || profile.specification == nil {
			t.Errorf("%s is not complete", profile.Name)
		}
		if problems := loadEmbedded(t).Accept(profile.Role, workload.Actor{Connector: profile.Name}, profile.Example).Problems; problems != nil {
			t.Errorf("%s's own example is refused: %v", profile.Name, lines(problems))
		}
	}
	want := []string{
		"destination-bigquery", "destination-dev-null", "destination-local-csv", "destination-local-json", "destination-postgres", "destination-s3",
		"destination-snowflake", "source-faker", "source-file", "source-mssql", "source-mysql", "source-postgres", "source-s3",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestDefaultsCanBeReplaced(t *testing.T) {
	t.Parallel()
	const csv, custom = "8be1cf83-fde1-477f-a4ad-318d23c9f3c6", "11111111-2222-3333-4444-555555555555"
	for name, test := range map[string]struct {
		reason, source, destination string
		want                        []Choice
	}{
		"none": {"as the existing template expects", "", "", []Choice{
			{"source-file", "778daa7c-feaf-4db6-96f3-70fd645acc77"}, {"destination-snowflake", "424892c4-daac-4491-b35d-c6688ba547ba"},
		}},
		"another connector of the catalogue": {"its profile applies, not Snowflake's", "", strings.ToUpper(csv), []Choice{
			{"source-file", "778daa7c-feaf-4db6-96f3-70fd645acc77"}, {"destination-local-csv", csv},
		}},
		"a definition that the catalogue lacks": {"a fork of the default", custom, custom, []Choice{{"source-file", custom}, {"destination-snowflake", custom}}},
		"of the wrong role":                     {"a source cannot be a destination's default", csv, "", []Choice{{"source-file", csv}, {"destination-snowflake", "424892c4-daac-4491-b35d-c6688ba547ba"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := loadEmbedded(t, WithDefaults(test.source, test.destination))
			source, _ := c.Choose(Source, "", "")
			destination, _ := c.Choose(Destination, "", "")
			if diff := cmp.Diff(test.want, []Choice{source, destination}); diff != "" {
				t.Errorf("%s: %s", test.reason, diff)
			}
			if got := c.DefinitionID(Destination, workload.Actor{}); got != test.want[1].DefinitionID {
				t.Errorf("an actor without a connector uses %s", got)
			}
		})
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	candidates := []string{"source-postgres", "source-mysql", "source-mssql", "source-file", "destination-postgres"}
	for name, want := range map[string][]string{
		"source-postgre":             {"source-postgres"},
		"SOURCE-POSTGRES":            {"source-postgres"},
		"source-psotgres":            {"source-postgres"},
		"postgres":                   {"destination-postgres", "source-postgres"},
		"source-msql":                {"source-mssql", "source-mysql"},
		"xyz":                        nil,
		"":                           nil,
		"é":                          nil,
		strings.Repeat("a", 100_000): nil,
	} {
		if diff := cmp.Diff(want, Nearest(name, candidates)); diff != "" {
			t.Errorf("%.40s: %s", name, diff)
		}
	}
	if !slices.Equal(Nearest("schedul", []string{"schedule", "streams"}), []string{"schedule"}) {
		t.Error("a missing letter is not found")
	}
}
