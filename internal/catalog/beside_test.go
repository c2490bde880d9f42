package catalog

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// astray are parameters by which the Snowflake driver would take the platform's
// credentials elsewhere, unencrypted, or use others beside them.
var astray = map[string]string{
	"a proxy":                         "useProxy=true&proxyHost=evil.example&proxyPort=8080",
	"no encryption":                   "ssl=off",
	"no encryption, in capitals":      "SSL=false",
	"no encryption, percent-encoded":  "%73%73l=off",
	"no encryption, doubly encoded":   "%2573sl=off",
	"no encryption, with a long s":    "\u017fsl=off",
	"after what is allowed":           "queryTimeout=60&ssl=off",
	"after an empty parameter":        "&&ssl=off",
	"in the value of another":         "QUERY_TAG=a%26ssl=off",
	"after a second sign":             "QUERY_TAG=a=&ssl=off",
	"after a semicolon":               "QUERY_TAG=a;ssl=off",
	"after a line's end":              "QUERY_TAG=a\nssl=off",
	"before a line's end":             "ssl=off\nQUERY_TAG=a",
	"before a fragment":               "ssl=off#QUERY_TAG=a",
	"white space around it":           " ssl = off ",
	"white space as a plus":           "+ssl=off",
	"no check of certificates":        "insecureMode=true",
	"no check of revocation":          "ocspFailOpen=true",
	"another account":                 "account=evil",
	"another server":                  "serverURL=https://evil.example",
	"another server, for streaming":   "url=https://evil.example&host=evil.example",
	"another way to log in":           "authenticator=https://evil.example",
	"another user":                    "user=ADMIN",
	"another password":                "password=x",
	"another token":                   "token=x",
	"another key":                     "private_key_file=/etc/passwd",
	"another role":                    "role=ACCOUNTADMIN",
	"another warehouse":               "warehouse=BIG",
	"a file of settings":              "client_config_file=/tmp/x",
	"a log of everything":             "tracing=ALL",
	"what this version does not know": "someDayAProxy=evil.example",
}

// harmless are parameters that may stand beside the platform's credentials.
var harmless = map[string]string{
	"nothing":         "",
	"a time limit":    "queryTimeout=60",
	"several":         "loginTimeout=30&QUERY_TAG=finance.cashflow-1&TIMEZONE=Europe/Rome&CLIENT_SESSION_KEEP_ALIVE=true",
	"an end too many": "networkTimeout=60&",
}

// TestWhatIsExpectedIsAllowed holds the text for people and the pattern together.
func TestWhatIsExpectedIsAllowed(t *testing.T) {
	t.Parallel()
	for _, entry := range loadEmbedded(t).Profile("destination-snowflake").provided {
		if entry.Field != "credentials" {
			continue
		}
		if len(entry.onlyBeside) != 1 {
			t.Fatalf("credentials with %d demands", len(entry.onlyBeside))
		}
		demand := entry.onlyBeside[0]
		_, text, _ := strings.Cut(demand.expected, "one of ")
		text, _, _ = strings.Cut(text, ", and in each VALUE")
		told := regexp.MustCompile(`\w{8,}`).FindAllString(text, -1)
		if len(told) != 13 {
			t.Errorf("the names are %q", told)
		}
		for _, name := range told {
			if !demand.allows(name + "=az.AZ_09:/-") {
				t.Errorf("%s is not allowed", name)
			}
		}
	}
}

const besideProblem = "jdbc_url_params: does not go with the platform's own credentials; expected "

// intoSnowflake is a destination of a platform with these settings.
func intoSnowflake(configuration map[string]any) Input {
	return Input{
		Role: Destination, Actor: workload.Actor{Connector: "destination-snowflake", Configuration: configuration},
		DataProduct: product, Secrets: named{values: map[string]string{"P": "p"}},
	}
}

// refusedBeside fails unless there is one problem, that of jdbc_url_params, which does
// not tell the value.
func refusedBeside(t *testing.T, prefix, value string, problems []workload.Problem) {
	t.Helper()
	text := strings.Join(lines(problems), "\n")
	if len(problems) != 1 || !strings.HasPrefix(text, prefix+besideProblem) || !strings.Contains(text, "queryTimeout") {
		t.Errorf("the problems are %q", text)
	}
	if strings.Contains(text, value) || strings.Contains(text, "evil") {
		t.Errorf("the value is told: %q", text)
	}
}

func TestCredentialsAreNotLedAstray(t *testing.T) {
	t.Parallel()
	c := loadEmbedded(t, WithSettings(snowflakeSettings()))
	pair := loadEmbedded(t, WithSettings(without(snowflakeSettings(), map[string]string{"SNOWFLAKE_PRIVATE_KEY": "KEY"})))
	for name, value := range astray {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secret := intoSnowflake(map[string]any{"jdbc_url_params": "${secret:PARAMS}"})
			secret.Secrets = named{values: map[string]string{"PARAMS": value}}
			within := intoSnowflake(map[string]any{"jdbc_url_params": "QUERY_TAG=${secret:PARAMS}"})
			within.Secrets = named{values: map[string]string{"PARAMS": "a&" + value}}
			plain := intoSnowflake(map[string]any{"jdbc_url_params": value})
			adopted := intoSnowflake(map[string]any{"host": snowflakeSettings()["SNOWFLAKE_HOST"], "database": "D", "schema": "S", "jdbc_url_params": value})
			adopted.Adopted = true
			own := intoSnowflake(map[string]any{"credentials": map[string]any{"password": "${secret:P}"}, "jdbc_url_params": value})
			for which, in := range map[string]Input{"plain": plain, "secret": secret, "within": within, "adopted": adopted, "beside replaced ones": own} {
				for _, connectors := range []*Catalog{c, pair} {
					_, failure := connectors.Configuration(t.Context(), in, nil)
					if failure == nil {
						t.Errorf("%s: it was accepted", which)
						continue
					}
					if failure.Code != workload.CodeInvalid || failure.Phase != workload.PhaseDestination || failure.Retry || len(failure.Solutions) == 0 {
						t.Errorf("%s: the failure is %+v", which, failure)
					}
					refusedBeside(t, "specific.destination.connectionConfiguration.", value, failure.Problems)
				}
			}
		})
	}
}

func TestTheAPIRefusesWhatLeadsCredentialsAstray(t *testing.T) {
	t.Parallel()
	for name, value := range astray {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			accepted := loadEmbedded(t).Accept(Destination, workload.Actor{Connector: "destination-snowflake"}, map[string]any{"jdbc_url_params": value})
			refusedBeside(t, "", value, accepted.Problems)
		})
	}
}

// A mapping or list cannot be looked into, whatever the connector makes of it.
func TestOnlyTextsGoWithCredentials(t *testing.T) {
	t.Parallel()
	c := loadEmbedded(t, WithSettings(snowflakeSettings()))
	loose, err := ParseSpecification(json.RawMessage(`{"properties": {"jdbc_url_params": {}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{
		"a mapping": map[string]any{"ssl": "off"}, "a list": []any{"ssl=off"}, "a number": json.Number("1"), "true": true,
	} {
		_, failure := c.Configuration(t.Context(), intoSnowflake(map[string]any{"jdbc_url_params": value}), loose)
		if failure == nil {
			t.Errorf("%s was accepted", name)
			continue
		}
		refusedBeside(t, "specific.destination.connectionConfiguration.", "off", failure.Problems)
	}
}

func TestWhatGoesWithCredentials(t *testing.T) {
	t.Parallel()
	ours := loadEmbedded(t, WithSettings(snowflakeSettings()))
	hostless := loadEmbedded(t, WithSettings(without(snowflakeSettings(), map[string]string{"SNOWFLAKE_HOST": ""})))
	type row struct {
		connectors    *Catalog
		configuration map[string]any
	}
	rows := map[string]row{}
	for name, value := range harmless {
		rows["harmless: "+name] = row{ours, map[string]any{"jdbc_url_params": value}}
	}
	for name, value := range astray {
		rows["its own credentials: "+name] = row{hostless, map[string]any{
			"host": "ours.snowflakecomputing.com", "credentials": map[string]any{"password": "${secret:P}"}, "jdbc_url_params": value,
		}}
	}
	for name, test := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			actor := workload.Actor{Connector: "destination-snowflake"}
			if accepted := loadEmbedded(t).Accept(Destination, actor, test.configuration); len(accepted.Problems) > 0 {
				t.Errorf("the API refuses it: %q", lines(accepted.Problems))
			}
			final, failure := test.connectors.Configuration(t.Context(), intoSnowflake(test.configuration), nil)
			if failure != nil {
				t.Fatal(failure.Text())
			}
			if diff := cmp.Diff(test.configuration["jdbc_url_params"], final.Configuration["jdbc_url_params"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The API cannot know a text with a reference: the worker looks at it.
func TestTheAPILeavesReferencesToTheWorker(t *testing.T) {
	t.Parallel()
	configuration := map[string]any{"jdbc_url_params": "user=a&password=${secret:P}"}
	accepted := loadEmbedded(t).Accept(Destination, workload.Actor{Connector: "destination-snowflake"}, configuration)
	if len(accepted.Problems) > 0 {
		t.Errorf("the problems are %q", lines(accepted.Problems))
	}
}

const ownDatabase = `
name: destination-warehouse
kind: destination
schema:
  type: object
  properties:
    host: {type: string}
    password: {type: string, airbyte_secret: true}
    jdbc_url_params: {type: string}
    tunnel_method: {type: object, properties: {tunnel_method: {type: string}, tunnel_host: {type: string}}}
provided:
  - {field: host, value: db.example.com}
`

// TestAnOperatorsFileGuardsItsCredentials has a tunnel, a field that the operator sets
// too, and two values with one demand.
func TestAnOperatorsFileGuardsItsCredentials(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "destination-warehouse.yaml", ownDatabase+`
  - {field: jdbc_url_params, value: sslmode=verify-full}
  - field: password
    value: ${secret:W}
    onlyWith: host
    onlyBeside: &direct
      tunnel_method.tunnel_method: {pattern: NO_TUNNEL, expected: NO_TUNNEL}
      jdbc_url_params: {pattern: '', expected: nothing}
`)
	c, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		configuration string
		want          []string
	}{
		"nothing":      {`{}`, nil},
		"no tunnel":    {`{"tunnel_method": {"tunnel_method": "NO_TUNNEL"}, "jdbc_url_params": "the operator's counts"}`, nil},
		"a tunnel":     {`{"tunnel_method": {"tunnel_method": "SSH_KEY_AUTH", "tunnel_host": "evil.example"}}`, []string{"tunnel_method.tunnel_method: does not go with the platform's own password; expected NO_TUNNEL"}},
		"no whole one": {`{"tunnel_method": {"tunnel_method": "NO_TUNNEL_AT_ALL"}}`, []string{"tunnel_method.tunnel_method: does not go with the platform's own password; expected NO_TUNNEL"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, refused(t, c, "destination-warehouse", test.configuration)); diff != "" {
				t.Errorf("the API's problems (-want +got):\n%s", diff)
			}
			_, failure := c.Configuration(t.Context(), Input{
				Role: Destination, Actor: workload.Actor{Connector: "destination-warehouse", Configuration: fields(t, test.configuration)},
				DataProduct: product, Secrets: named{values: map[string]string{"W": "w"}},
			}, nil)
			var got []string
			if failure != nil {
				for _, line := range lines(failure.Problems) {
					got = append(got, strings.TrimPrefix(line, "specific.destination.connectionConfiguration."))
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the worker's problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadDemandsStopTheStart(t *testing.T) {
	t.Parallel()
	const entry = ownDatabase + "  - {field: password, value: p, onlyBeside: "
	for name, test := range map[string]struct{ text, want string }{
		"no mapping":          {entry + "[a]}\n", "line 13: onlyBeside is no mapping of fields to values"},
		"no field":            {entry + "{hosst: {pattern: a, expected: b}}}\n", `line 13: the schema has no field "hosst"; did you mean host?`},
		"no pattern":          {entry + "{host: {expected: b}}}\n", "line 13: onlyBeside.host needs a pattern and what is expected"},
		"nothing expected":    {entry + "{host: {pattern: a}}}\n", "line 13: onlyBeside.host needs a pattern and what is expected"},
		"a text":              {entry + "{host: a}}\n", "line 13: onlyBeside.host needs a pattern and what is expected"},
		"another key":         {entry + "{host: {pattern: a, expected: b, flags: i}}}\n", "line 13: onlyBeside.host needs a pattern and what is expected, and nothing more"},
		"no regular pattern":  {entry + "{host: {pattern: 'a)|(b', expected: b}}}\n", "line 13: onlyBeside.host: the pattern is wrong: "},
		"a default beside it": {"defaults: {jdbc_url_params: ssl=off}" + entry + "{jdbc_url_params: {pattern: a=b, expected: a=b}}}\n", "line 13: onlyBeside.jdbc_url_params: the default is not what is expected here; expected it in provided"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "destination-warehouse.yaml", test.text)
			_, err := Load(dir)
			if err == nil || !strings.Contains(err.Error(), "destination-warehouse.yaml: "+test.want) {
				t.Errorf("the error is %v; it lacks %q", err, test.want)
			}
		})
	}
}
