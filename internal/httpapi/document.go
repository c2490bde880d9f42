package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the document and its page
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"

	"gopkg.in/yaml.v3"
)

//go:embed openapi.yaml
var document []byte

//go:embed docs.html
var docsPage string

// Document returns the API's OpenAPI document as it is served without a base path.
func Document() []byte { return bytes.Clone(document) }

// documentFor is the document with the base path among its servers.
func documentFor(basePath string) []byte {
	if basePath == "" {
		return document
	}
	const root = "servers:\n  - url: /\n"
	return bytes.Replace(document, []byte(root), []byte(root+"  - url: "+basePath+"\n"), 1)
}

// The part of OpenAPI 3.0 that the page shows.
type (
	apiDocument struct {
		Info struct {
			Title       string `yaml:"title"`
			Version     string `yaml:"version"`
			Description string `yaml:"description"`
		} `yaml:"info"`
		Servers []struct {
			URL string `yaml:"url"`
		} `yaml:"servers"`
		Tags []struct {
			Name        string `yaml:"name"`
			Description string `yaml:"description"`
		} `yaml:"tags"`
		Paths      ordered[ordered[apiOperation]] `yaml:"paths"`
		Components struct {
			Responses map[string]apiResponse `yaml:"responses"`
			Schemas   ordered[apiSchema]     `yaml:"schemas"`
		} `yaml:"components"`
	}
	apiOperation struct {
		Tags        []string `yaml:"tags"`
		ID          string   `yaml:"operationId"`
		Summary     string   `yaml:"summary"`
		Description string   `yaml:"description"`
		Body        struct {
			Content ordered[apiMedia] `yaml:"content"`
		} `yaml:"requestBody"`
		Responses ordered[apiResponse] `yaml:"responses"`
	}
	apiResponse struct {
		Ref         string            `yaml:"$ref"`
		Description string            `yaml:"description"`
		Content     ordered[apiMedia] `yaml:"content"`
	}
	apiMedia struct {
		Schema apiSchema `yaml:"schema"`
	}
	apiSchema struct {
		Ref         string             `yaml:"$ref"`
		Type        string             `yaml:"type"`
		Format      string             `yaml:"format"`
		Description string             `yaml:"description"`
		Deprecated  bool               `yaml:"deprecated"`
		Enum        []string           `yaml:"enum"`
		Required    []string           `yaml:"required"`
		Properties  ordered[apiSchema] `yaml:"properties"`
		Items       *apiSchema         `yaml:"items"`
	}
)

// Name is the last part of the schema's reference, or "" where it has none.
func (s apiSchema) Name() string { return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:] }

// Requires reports whether an object of this schema must have a property.
func (s apiSchema) Requires(property string) bool {
	for _, name := range s.Required {
		if name == property {
			return true
		}
	}
	return false
}

// ordered is a YAML mapping whose order is kept: the page reads like the document.
type ordered[T any] []entry[T]

type entry[T any] struct {
	Key   string
	Value T
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (o *ordered[T]) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: a mapping is expected", node.Line)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		e := entry[T]{Key: node.Content[i].Value}
		if err := node.Content[i+1].Decode(&e.Value); err != nil {
			return err
		}
		*o = append(*o, e)
	}
	return nil
}

// renderDocs makes the page of the document and the policy that allows its one style sheet.
func renderDocs(text []byte) (page []byte, policy string, err error) {
	var doc apiDocument
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, "", err
	}
	functions := template.FuncMap{
		"response":   doc.resolve,
		"paragraphs": func(s string) []string { return strings.Split(strings.TrimSpace(s), "\n\n") },
		"has":        has,
		"upper":      strings.ToUpper,
	}
	t, err := template.New("docs").Funcs(functions).Parse(docsPage)
	if err != nil {
		return nil, "", err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, doc); err != nil {
		return nil, "", err
	}
	_, rest, _ := bytes.Cut(out.Bytes(), []byte("<style>"))
	style, _, _ := bytes.Cut(rest, []byte("</style>"))
	sum := sha256.Sum256(style)
	hash := base64.StdEncoding.EncodeToString(sum[:])
	return out.Bytes(), noContent[0] + "; style-src 'sha256-" + hash + "'", nil
}

// resolve follows a response's reference.
func (d apiDocument) resolve(r apiResponse) apiResponse {
	if r.Ref == "" {
		return r
	}
	return d.Components.Responses[r.Ref[strings.LastIndexByte(r.Ref, '/')+1:]]
}

func has(list []string, wanted string) bool {
	for _, each := range list {
		if each == wanted {
			return true
		}
	}
	return false
}
