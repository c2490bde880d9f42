package config

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Weights says how often each queue is looked at, compared with the others.
type Weights map[string]int

// parsers read values, and say in plain words what is wrong with one. What a
// parser says may repeat the value: those of secrets never do.
func parsers() map[reflect.Type]env.ParserFunc {
	return map[reflect.Type]env.ParserFunc{
		reflect.TypeFor[bool]():          func(v string) (any, error) { return parseBool(v) },
		reflect.TypeFor[int]():           func(v string) (any, error) { return parseInt(v) },
		reflect.TypeFor[time.Duration](): func(v string) (any, error) { return parseDuration(v) },
		reflect.TypeFor[Weights]():       func(v string) (any, error) { return parseWeights(v) },
		reflect.TypeFor[[]string]():      func(v string) (any, error) { return split(v), nil },
		reflect.TypeFor[[]Secret]():      func(v string) (any, error) { return parseSecrets(v), nil },
	}
}

// parseBool accepts quotes around the value, as some templates write them.
func parseBool(v string) (bool, error) {
	value, err := strconv.ParseBool(strings.ToLower(strings.Trim(strings.TrimSpace(v), `'"`)))
	if err != nil {
		return false, fmt.Errorf("%q is neither true nor false", v)
	}
	return value, nil
}

func parseInt(v string) (int, error) {
	value, err := strconv.ParseInt(strings.TrimSpace(v), 10, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%s is out of range", v)
	case err != nil:
		return 0, fmt.Errorf("%q is not a whole number", v)
	}
	return int(value), nil
}

func parseDuration(v string) (time.Duration, error) {
	value, err := time.ParseDuration(strings.TrimSpace(v))
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 25ms, 30s, 10m or 168h", v)
	}
	return value, nil
}

// parseWeights reads name:weight pairs; a name alone weighs 1.
func parseWeights(v string) (Weights, error) {
	weights := Weights{}
	for _, pair := range split(v) {
		name, number, weighed := strings.Cut(pair, ":")
		weight := 1
		if weighed {
			var err error
			if weight, err = parseInt(number); err != nil || weight < 1 {
				return nil, fmt.Errorf("%q is not a queue and its weight, such as provision:6", pair)
			}
		}
		if _, twice := weights[strings.TrimSpace(name)]; twice {
			return nil, fmt.Errorf("the queue %q is there twice", name)
		}
		weights[strings.TrimSpace(name)] = weight
	}
	return weights, nil
}

// split reads a list separated by commas or line ends, without empty items.
func split(v string) []string {
	var items []string
	for item := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func parseSecrets(v string) []Secret {
	var all []Secret
	for _, item := range split(v) {
		all = append(all, Secret(item))
	}
	return all
}

// parse fills the sections from values by setting name and reports what cannot be read.
func parse(config *Config, values map[string]string, r *report) {
	sections := reflect.ValueOf(config).Elem()
	for i := range sections.NumField() {
		// One section at a time: the library names a field by its own name only.
		err := env.ParseWithOptions(sections.Field(i).Addr().Interface(), env.Options{Environment: values, FuncMap: parsers()})
		if err == nil {
			continue
		}
		for _, e := range unjoin(err) {
			var bad env.ParseError
			if !errors.As(e, &bad) {
				r.add(sections.Type().Field(i).Name, "%v", e)
				continue
			}
			s := settingOf(i, bad.Name)
			r.add(s.Name, "%s", explain(bad, values[s.Name]))
		}
	}
}

func unjoin(err error) []error {
	var all env.AggregateError
	if errors.As(err, &all) {
		return all.Errors
	}
	return []error{err}
}

// explain is what is wrong with a value; only a log level's library error needs other words.
func explain(bad env.ParseError, value string) string {
	if bad.Type == reflect.TypeFor[slog.Level]() {
		return fmt.Sprintf("%q is not one of debug, info, warn, error", value)
	}
	return bad.Err.Error()
}

func settingOf(section int, field string) setting {
	for _, s := range settings() {
		if s.section == section && s.field == field {
			return s
		}
	}
	return setting{Setting: Setting{Name: field}}
}
