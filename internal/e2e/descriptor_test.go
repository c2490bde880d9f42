package e2e

import (
	"strings"
	"text/template"
)

// wish is what a test wants of one component; empty fields get usual values.
type wish struct {
	ID, Environment string
	Source          string // name of the source
	Destination     string // name of the destination
	Connection      string // name of the connection
	URL             string // of the file
	Extra           string // further lines of specific.connection, indented by one blank per level
	SourceSpec      string // replaces the source's connector and configuration
	DestinationSpec string // replaces the destination's connector and configuration
}

func (w wish) withDefaults() wish {
	for field, value := range map[*string]string{
		&w.ID: "urn:dmb:cmp:finance:orders:0:ingest", &w.Environment: "development",
		&w.Source: "finance.orders.0.File", &w.Destination: "finance.orders.0.Snowflake",
		&w.Connection: "finance.orders.0.File <> Snowflake", &w.URL: "https://example.com/orders.csv",
	} {
		if *field == "" {
			*field = value
		}
	}
	return w
}

var wishes = template.Must(template.New("descriptor").Parse(`
dataProduct:
  id: urn:dmb:dp:finance:orders:0
  name: Orders
  fullyQualifiedName: null
  domain: finance
  environment: {{.Environment}}
  version: 0.1.0
  kind: dataproduct
  dataProductOwner: user:jane.doe_example.com
  email: null
  informationSLA: null
  tags: []
  components:
    - id: urn:dmb:cmp:finance:orders:0:storage
      name: Storage
      kind: storage
    - id: {{.ID}}
      name: Ingest
      description: Loads orders
      kind: workload
      version: 0.1.0
      specific:
        source:
          name: {{.Source}}
{{- if .SourceSpec}}
{{.SourceSpec}}
{{- else}}
          connectionConfiguration:
            dataset_name: orders
            format: csv
            url: {{.URL}}
            provider: {storage: HTTPS, user_agent: false}
{{- end}}
        destination:
          name: {{.Destination}}
{{- if .DestinationSpec}}
{{.DestinationSpec}}
{{- else}}
          connectionConfiguration:
            database: null
            schema: null
{{- end}}
        connection:
          name: {{.Connection}}
          dbtGitUrl: null
{{.Extra}}
componentIdToProvision: {{.ID}}
`))

// descriptor renders the wish as a COMPONENT_DESCRIPTOR.
func (w wish) descriptor() string {
	var b strings.Builder
	if err := wishes.Execute(&b, w.withDefaults()); err != nil {
		panic(err) // the template and its data are both in this file
	}
	return b.String()
}
