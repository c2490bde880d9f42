// Package config holds every setting of the programs: read from a YAML file and
// the environment, which wins, then given their defaults and checked, before
// anything is opened. It is the only package that reads the environment.
//
// A setting has one name in both places: the path of a YAML key, its words in
// upper case joined by underscores, is the name of the variable, so that
// airbyte.baseUrl is AIRBYTE_BASE_URL. A secret may also be given as the name of
// a file that holds it (NAME_FILE, or keyFile in YAML). Two settings have no
// variable: airbyte.workspaces and secrets.allow.
//
// [Load] reports everything that is wrong at once, as an [*Error], and never a
// secret's value. The package imports nothing else of this module.
package config
