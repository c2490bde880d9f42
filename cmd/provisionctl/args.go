package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// order is what the command line asks for.
type order struct {
	command    *command
	token      string // "" with a file
	file       string // "" with a token
	latest     string
	removeData bool
	deep       bool
	noWait     bool
	timeout    time.Duration
	server     string
	version    bool
	connector  string // to be shown; "" to list them
	catalog    string // directory of the operator's own connectors
}

// usageError is a command line that cannot be carried out.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, a ...any) error { return &usageError{fmt.Sprintf(format, a...)} }

var errHelp = flag.ErrHelp

// flags binds a flag set to an order.
func flags(o *order) *flag.FlagSet {
	f := flag.NewFlagSet("provisionctl", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.server, "server", "http://127.0.0.1:8093", "`URL` of the provisioner, with its base path if it has one")
	f.StringVar(&o.file, "f", "", "`FILE` with the descriptor as YAML; - reads it from the standard input")
	f.StringVar(&o.latest, "latest", "", "`FILE` with the data product as last deployed (latestEnrichedDescriptor)")
	f.BoolVar(&o.removeData, "remove-data", false, "with unprovision: delete the component's data too")
	f.BoolVar(&o.deep, "deep", false, "with validate: ask Airbyte too, which takes longer")
	f.BoolVar(&o.noWait, "no-wait", false, "do not follow: print the token, or the present status, and end")
	f.DurationVar(&o.timeout, "timeout", 0, "stop following after this long, such as 10m; 0 means never")
	f.StringVar(&o.catalog, "catalog", "", "with connectors: `DIR`ectory with connector files of your own (CATALOG_DIR)")
	f.BoolVar(&o.version, "version", false, "print the version")
	return f
}

// parseArgs reads flags and arguments in any order: provisionctl COMMAND [TOKEN].
func parseArgs(args []string) (order, error) {
	var o order
	f := flags(&o)
	var words []string
	for {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return o, errHelp
			}
			return o, usagef("%v", err)
		}
		if f.NArg() == 0 {
			break
		}
		words = append(words, f.Arg(0))
		args = f.Args()[1:]
	}
	if o.version {
		return o, nil
	}
	given := make(map[string]bool)
	f.Visit(func(each *flag.Flag) { given[each.Name] = true })
	return o, o.check(words, given)
}

// check finds the command and what it works on.
func (o *order) check(words []string, given map[string]bool) error {
	if len(words) == 0 {
		return usagef("a command is missing: one of %s", strings.Join(commandNames(), ", "))
	}
	o.command = findCommand(words[0])
	if o.command == nil {
		return usagef("%q is no command; there are %s", words[0], strings.Join(commandNames(), ", "))
	}
	if o.command.name == connectorsCommand {
		return o.checkConnectors(words[1:], given)
	}
	if len(words) > 2 {
		return usagef("%s takes one token, but there is also %q", o.command.name, words[2])
	}
	if len(words) == 2 {
		o.token = words[1]
	}
	if address, err := url.Parse(o.server); err != nil || address.Host == "" || (address.Scheme != "http" && address.Scheme != "https") {
		return usagef("-server %q is no URL such as http://127.0.0.1:8093", o.server)
	}
	switch {
	case !o.command.file && given["f"]:
		return usagef("%s takes a token and no -f", o.command.name)
	case !o.command.file && o.token == "":
		return usagef("%s needs a token", o.command.name)
	case o.command.file && (o.file == "") == (o.token == ""):
		return usagef("%s needs either -f FILE or the token of one that was begun", o.command.name)
	}
	return o.checkFlags(given)
}

// checkConnectors reads what follows the command connectors.
func (o *order) checkConnectors(words []string, given map[string]bool) error {
	switch {
	case len(words) == 2 && words[0] == "show":
		o.connector = words[1]
	case len(words) != 0:
		return usagef("connectors takes nothing, or show NAME")
	}
	delete(given, "catalog")
	if len(given) > 0 {
		return usagef("-%s means nothing with connectors", slices.Sorted(maps.Keys(given))[0])
	}
	return nil
}

// checkFlags refuses flags that would silently do nothing.
func (o *order) checkFlags(given map[string]bool) error {
	for name, sensible := range map[string]bool{
		"remove-data": o.command.name == "unprovision" && o.file != "",
		"latest":      o.file != "",
		"deep":        o.command.name == "validate" && o.file != "",
		"catalog":     false,
	} {
		if given[name] && !sensible {
			return usagef("-%s means nothing with %s here", name, o.command.name)
		}
	}
	if o.timeout < 0 {
		return usagef("-timeout cannot be negative")
	}
	return nil
}

// usage is the text of -h.
func usage() string {
	var b strings.Builder
	b.WriteString("provisionctl sends descriptors to the Airbyte provisioner and follows what comes of them.\n\nUsage:\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "  provisionctl %-11s %-18s %s\n", c.name, c.takes(), c.help)
	}
	b.WriteString("\nFlags, anywhere on the line:\n")
	f := flags(new(order))
	f.SetOutput(&b)
	f.PrintDefaults()
	b.WriteString("\nThe environment variable PROVISIONER_TOKEN holds the token that opens the API, where it needs one.\n" +
		"Exit code: 0 completed or valid, 1 failed, terminated, invalid or not to be asked, 2 wrong usage, 130 interrupted.\n")
	return b.String()
}
