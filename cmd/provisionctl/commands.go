package main

// command is one of the program's verbs.
type command struct {
	name  string
	help  string
	file  bool   // takes -f; a token instead follows one that was begun
	post  string // where a descriptor is sent
	watch watched
}

// watched is a family of tokens: where their status is, and what its body looks like.
type watched struct {
	prefix, suffix string
	validation     bool
}

func (w watched) path(token string) string { return w.prefix + token + w.suffix }

var (
	operations  = watched{prefix: "/v1/provision/", suffix: "/status"}
	validations = watched{prefix: "/v2/validate/", suffix: "/status", validation: true}
)

// connectorsCommand is the one command that asks no API.
const connectorsCommand = "connectors"

var commands = []command{
	{name: "validate", help: "check a descriptor", file: true, post: "/v1/validate", watch: validations},
	{name: "provision", help: "provision the descriptor's component", file: true, post: "/v1/provision", watch: operations},
	{name: "unprovision", help: "remove what the component has in Airbyte", file: true, post: "/v1/unprovision", watch: operations},
	{name: "status", help: "follow an operation to its end", watch: operations},
	{name: "terminate", help: "end an operation early", watch: operations},
	{name: connectorsCommand, help: "list the known connectors, or show how one is configured"},
}

func (c command) takes() string {
	switch {
	case c.name == connectorsCommand:
		return "[show NAME]"
	case c.file:
		return "-f FILE | TOKEN"
	}
	return "TOKEN"
}

func commandNames() []string {
	names := make([]string, len(commands))
	for i, c := range commands {
		names[i] = c.name
	}
	return names
}

func findCommand(name string) *command {
	for i := range commands {
		if commands[i].name == name {
			return &commands[i]
		}
	}
	return nil
}
