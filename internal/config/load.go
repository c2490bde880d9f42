package config

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// Program says whose needs the settings must meet.
type Program string

// The programs that have settings.
const (
	ForAPI      Program = "api"      // needs Redis
	ForWorker   Program = "worker"   // needs Redis and Airbyte
	ForEmbedded Program = "embedded" // brings its own Redis and Airbyte
)

const fileSuffix = "_FILE"

// Load reads the settings for a program: the YAML file, if one is named, then
// the environment ("NAME=value"), which wins, then defaults for the rest. An
// empty variable counts as absent. The error is an *Error that names everything
// that is wrong.
func Load(file string, environ []string, program Program) (Config, error) {
	r := newReport()
	environment := variables(environ)
	document := readFile(file, r)
	values, files := merge(document, environment, r)

	var config Config
	parse(&config, values, r)
	config.Airbyte.Workspaces = document.workspaces
	config.Secrets.Allow = document.allow
	config.Secrets.variables = withPrefix(environment, config.Secrets.EnvPrefix)
	config.HTTP.TokensFile = files["API_TOKENS"]

	r.settle()
	config.check(program, r)
	config.derive()
	return config, r.err()
}

// variables splits an environment; of a name that is there twice the last counts.
func variables(environ []string) map[string]string {
	all := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		all[name] = value
	}
	return all
}

// withPrefix takes the variables out that begin with a prefix.
func withPrefix(environment map[string]string, prefix string) map[string]Secret {
	found := map[string]Secret{}
	for name, value := range environment {
		if prefix != "" && strings.HasPrefix(name, prefix) {
			found[name] = Secret(value)
		}
	}
	return found
}

// readFile reads the YAML file; no name means no file.
func readFile(file string, r *report) document {
	if file == "" {
		return document{}
	}
	raw, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		r.add(file, "%s", cannotRead(err))
		return document{}
	}
	return readDocument(file, raw, r)
}

// cannotRead is why a file cannot be read, without its path.
func cannotRead(err error) string {
	var where *fs.PathError
	if errors.As(err, &where) {
		err = where.Err
	}
	return "cannot be read: " + err.Error()
}

// merge joins the file's and the environment's values. A setting that the
// environment has in either form, as a value or as the name of a file, hides
// what the YAML file says of it. It returns which file a secret came from, too.
func merge(d document, environment map[string]string, r *report) (values, files map[string]string) {
	values, files = map[string]string{}, map[string]string{}
	for _, s := range settings() {
		source := d.values
		if environment[s.Name] != "" || s.Secret && environment[s.Name+fileSuffix] != "" {
			source = environment
			delete(r.origin, s.Name)
			delete(r.origin, s.Name+fileSuffix)
		}
		value, file := source[s.Name], ""
		if s.Secret {
			file = source[s.Name+fileSuffix]
		}
		switch {
		case value != "" && file != "":
			r.add(s.Name, "is given together with %s%s; one of them is enough", s.Name, fileSuffix)
		case file != "":
			value = secretFrom(file, s.Name, r)
			files[s.Name] = file
		}
		if value != "" {
			values[s.Name] = value
		}
	}
	return values, files
}

// withoutLineEnd takes one line end off, as editors and here-documents add it.
func withoutLineEnd(s string) string {
	return strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r")
}

// secretFrom reads the file of a secret.
func secretFrom(file, name string, r *report) string {
	raw, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	content := withoutLineEnd(string(raw))
	switch {
	case err != nil:
		r.add(name+fileSuffix, "the file %s %s", file, cannotRead(err))
	case content == "":
		r.add(name+fileSuffix, "the file %s is empty", file)
	default:
		return content
	}
	r.broken[name] = true
	return ""
}

// ReadTokens reads API_TOKENS again from its file, so that tokens can be changed
// without a restart.
func ReadTokens(file string) ([]Secret, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	tokens := parseSecrets(string(raw))
	if len(tokens) == 0 {
		return nil, errors.New("the file of API_TOKENS holds no token") // it must not open the API
	}
	return tokens, nil
}
