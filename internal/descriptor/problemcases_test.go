package descriptor_test

// problemCases are descriptors with a fault, by what is wrong with them: base
// with a text replaced, or a text of their own.
var problemCases = map[string]struct {
	old, with, text string
	want            []string
}{
	"empty": {
		text: "",
		want: []string{
			"descriptor: is empty; expected a YAML text with dataProduct and componentIdToProvision",
		},
	},
	"blanks and a comment": {
		text: "\n  \n# nothing\n",
		want: []string{
			"descriptor: is empty; expected a YAML text with dataProduct and componentIdToProvision",
		},
	},
	"not YAML: a tab": {
		text: "dataProduct:\n\tname: x\n",
		want: []string{
			"descriptor: is not a YAML document: line 2: found character that cannot start any token",
		},
	},
	"not YAML: a bracket": {
		text: "dataProduct: {name: x\ncomponentIdToProvision: y",
		want: []string{
			"descriptor: is not a YAML document: line 1: did not find expected ',' or '}'",
		},
	},
	"not YAML: two values on a line": {
		text: "a: b: c\n",
		want: []string{
			"descriptor: is not a YAML document: line 1: mapping values are not allowed in this context",
		},
	},
	"root is a text": {
		text: "just words",
		want: []string{
			"descriptor: is a text; expected a mapping with dataProduct and componentIdToProvision",
		},
	},
	"root is a list": {
		text: "- a\n- b\n",
		want: []string{
			"descriptor: is a list; expected a mapping with dataProduct and componentIdToProvision",
		},
	},
	"root is a number": {
		text: "42",
		want: []string{
			"descriptor: is a number; expected a mapping with dataProduct and componentIdToProvision",
		},
	},
	"null document": {
		text: "null",
		want: []string{
			"descriptor: is empty; expected a mapping with dataProduct and componentIdToProvision",
		},
	},
	"two documents": {
		text: "a: 1\n---\nb: 2\n",
		want: []string{
			"descriptor: is not a YAML document: line 2: a second YAML document begins here; exactly one is expected",
		},
	},
	"NUL": {
		text: "a: 1\nb: \x00\n",
		want: []string{
			"descriptor: is not a YAML document: line 2: it holds a NUL character",
		},
	},
	"invalid UTF-8": {
		text: "a: 1\nb: \xff\n",
		want: []string{
			"descriptor: is not a YAML document: line 2: it is not valid UTF-8 text",
		},
	},
	"unknown alias": {
		text: "a: *nowhere\n",
		want: []string{
			"descriptor: is not a YAML document: line 1: an alias (*name) has no anchor; a text that begins with * needs quotes",
		},
	},
	"empty mapping": {
		text: "{}",
		want: []string{
			"dataProduct: is missing; expected a mapping with the data product and its components",
			"componentIdToProvision: is missing; expected the id of one of dataProduct.components",
		},
	},
	"no dataProduct": {
		old:  "dataProduct:",
		with: "product:",
		want: []string{
			"dataProduct: is missing; expected a mapping with the data product and its components",
		},
	},
	"dataProduct is null": {
		text: "dataProduct:\ncomponentIdToProvision: x\n",
		want: []string{
			"dataProduct: is missing; expected a mapping with the data product and its components",
		},
	},
	"dataProduct is a list": {
		text: "dataProduct: [a]\ncomponentIdToProvision: x\n",
		want: []string{
			"dataProduct: is a list; expected a mapping with the data product and its components",
		},
	},
	"no componentIdToProvision": {
		old:  "componentIdToProvision: urn",
		with: "component: urn",
		want: []string{
			"componentIdToProvision: is missing; expected the id of one of dataProduct.components",
		},
	},
	"componentIdToProvision is null": {
		old:  "componentIdToProvision: urn:dmb:cmp:sales:orders:1:ingestion",
		with: "componentIdToProvision: null",
		want: []string{
			"componentIdToProvision: is missing; expected the id of one of dataProduct.components",
		},
	},
	"componentIdToProvision is a mapping": {
		old:  "componentIdToProvision: urn:dmb:cmp:sales:orders:1:ingestion",
		with: "componentIdToProvision: {a: b}",
		want: []string{
			"componentIdToProvision: is a mapping; expected the id of one of dataProduct.components",
		},
	},
	"component not found, a typo": {
		old:  "componentIdToProvision: urn:dmb:cmp:sales:orders:1:ingestion",
		with: "componentIdToProvision: urn:dmb:cmp:sales:orders:1:ingestoin",
		want: []string{
			"componentIdToProvision: is \"urn:dmb:cmp:sales:orders:1:ingestoin\", but no component has that id; did you mean \"urn:dmb:cmp:sales:orders:1:ingestion\"?",
		},
	},
	"component not found, nothing near": {
		old:  "componentIdToProvision: urn:dmb:cmp:sales:orders:1:ingestion",
		with: "componentIdToProvision: else",
		want: []string{
			"componentIdToProvision: is \"else\", but no component has that id; expected the id of one of dataProduct.components",
		},
	},
	"component there twice": {
		old:  "    - id: urn:dmb:cmp:sales:orders:1:storage",
		with: "    - id: urn:dmb:cmp:sales:orders:1:INGESTION",
		want: []string{
			"dataProduct.components[1].id: is \"urn:dmb:cmp:sales:orders:1:ingestion\", as dataProduct.components[0].id is; expected each id once",
		},
	},
	"component is no workload": {
		old:  "kind: workload",
		with: "kind: outputport",
		want: []string{
			"dataProduct.components[1].kind: is \"outputport\"; expected workload",
		},
	},
	"component without kind": {
		old:  "kind: workload",
		with: "type: workload",
		want: []string{
			"dataProduct.components[1].kind: is missing; expected workload",
		},
	},
	"kind is a mapping": {
		old:  "kind: workload",
		with: "kind: {a: b}",
		want: []string{
			"dataProduct.components[1].kind: is a mapping; expected workload",
		},
	},
	"no components": {
		old:  "  components:",
		with: "  parts:",
		want: []string{
			"dataProduct.components: is missing; expected a list of components",
		},
	},
	"components is a mapping": {
		old:  "  components:\n    - id: urn:dmb:cmp:sales:orders:1:storage\n      name: Storage\n      kind: storage\n      specific: {}\n",
		with: "  components:\n    one: two\n  others:\n",
		want: []string{
			"dataProduct.components: is a mapping; expected a list of components",
		},
	},
	"components is empty": {
		text: "dataProduct: {name: a, domain: b, version: 1, components: []}\ncomponentIdToProvision: x\n",
		want: []string{
			"componentIdToProvision: is \"x\", but no component has that id; dataProduct.components is empty",
		},
	},
	"no name of the data product": {
		old:  "  name: Orders\n",
		with: "",
		want: []string{
			"dataProduct.name: is missing; expected the data product's name",
		},
	},
	"name is null": {
		old:  "  name: Orders\n",
		with: "  name: ~\n",
		want: []string{
			"dataProduct.name: is missing; expected the data product's name",
		},
	},
	"name is blank": {
		old:  "  name: Orders\n",
		with: "  name: \"  \"\n",
		want: []string{
			"dataProduct.name: is missing; expected the data product's name",
		},
	},
	"name is a list": {
		old:  "  name: Orders\n",
		with: "  name: [Orders]\n",
		want: []string{
			"dataProduct.name: is a list; expected the data product's name",
		},
	},
	"name holds a line break": {
		old:  "  name: Orders\n",
		with: "  name: \"a\\nb\"\n",
		want: []string{
			"dataProduct.name: holds control characters, such as a line break; expected the data product's name",
		},
	},
	"no domain": {
		old:  "  domain: sales\n",
		with: "",
		want: []string{
			"dataProduct.domain: is missing; expected the domain that the data product belongs to",
		},
	},
	"no version": {
		old:  "  version: 1.0.0\n",
		with: "",
		want: []string{
			"dataProduct.version: is missing; expected the data product's version, such as 1.0.0",
		},
	},
	"version is a mapping": {
		old:  "  version: 1.0.0\n",
		with: "  version: {major: 1}\n",
		want: []string{
			"dataProduct.version: is a mapping; expected the data product's version, such as 1.0.0",
		},
	},
	"environment is a list": {
		old:  "environment: production",
		with: "environment: [production]",
		want: []string{
			"dataProduct.environment: is a list; expected the environment's name",
		},
	},
	"name is too long": {
		old:  "  name: Orders\n",
		with: "  name: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
		want: []string{
			"dataProduct.name: has 1001 bytes; at most 1000 are accepted",
		},
	},
	"name of the source is too long": {
		old:  "          name: Orders database\n",
		with: "          name: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
		want: []string{
			"dataProduct.components[1].specific.source.name: has 231 characters; Airbyte has room for 230",
		},
	},
	"all of the data product": {
		old:  "  name: Orders\n  domain: sales\n  environment: production\n  version: 1.0.0\n",
		with: "",
		want: []string{
			"dataProduct.name: is missing; expected the data product's name",
			"dataProduct.domain: is missing; expected the domain that the data product belongs to",
			"dataProduct.version: is missing; expected the data product's version, such as 1.0.0",
		},
	},
	"no specific": {
		old:  "      specific:\n        source:",
		with: "      specifics:\n        source:",
		want: []string{
			"dataProduct.components[1].specific: is missing; expected a mapping with source, destination and connection",
		},
	},
	"specific is null": {
		old:  "      specific:\n        source:",
		with: "      specific:\n      other:\n        source:",
		want: []string{
			"dataProduct.components[1].specific: is missing; expected a mapping with source, destination and connection",
		},
	},
	"specific is a text": {
		old:  "      specific:\n        source:",
		with: "      specific: none\n      other:\n        source:",
		want: []string{
			"dataProduct.components[1].specific: is a text; expected a mapping with source, destination and connection",
		},
	},
	"no source": {
		old:  "        source:\n",
		with: "        sauce:\n",
		want: []string{
			"dataProduct.components[1].specific.source: is missing; expected a mapping with name and connectionConfiguration",
		},
	},
	"source is a text": {
		old:  "        source:\n",
		with: "        source: x\n        sauce:\n",
		want: []string{
			"dataProduct.components[1].specific.source: is a text; expected a mapping with name and connectionConfiguration",
		},
	},
	"no destination": {
		old:  "        destination:\n",
		with: "        destinations:\n",
		want: []string{
			"dataProduct.components[1].specific.destination: is missing; expected a mapping with name and connectionConfiguration",
		},
	},
	"no connection": {
		old:  "        connection:\n",
		with: "        connections:\n",
		want: []string{
			"dataProduct.components[1].specific.connection: is missing; expected a mapping with at least a name",
		},
	},
	"no name of the source": {
		old:  "          name: Orders database\n",
		with: "",
		want: []string{
			"dataProduct.components[1].specific.source.name: is missing; expected the name that the source is to have in Airbyte",
		},
	},
	"no name of the destination": {
		old:  "          name: Warehouse\n",
		with: "          name: null\n",
		want: []string{
			"dataProduct.components[1].specific.destination.name: is missing; expected the name that the destination is to have in Airbyte",
		},
	},
	"no name of the connection": {
		old:  "          name: Orders to warehouse\n",
		with: "          status: active\n",
		want: []string{
			"dataProduct.components[1].specific.connection.name: is missing; expected the name that the connection is to have in Airbyte",
		},
	},
	"name of the source is a mapping": {
		old:  "          name: Orders database\n",
		with: "          name: {}\n",
		want: []string{
			"dataProduct.components[1].specific.source.name: is a mapping; expected the name that the source is to have in Airbyte",
		},
	},
	"no configuration of the source": {
		old:  "          connectionConfiguration:\n            host",
		with: "          configuration:\n            host",
		want: []string{
			"dataProduct.components[1].specific.source.connectionConfiguration: is missing; expected a mapping with the fields of the connector",
		},
	},
	"configuration is null": {
		old:  "          connectionConfiguration:\n            database: SALES\n",
		with: "          connectionConfiguration:\n",
		want: []string{
			"dataProduct.components[1].specific.destination.connectionConfiguration: is missing; expected a mapping with the fields of the connector",
		},
	},
	"configuration is a list": {
		old:  "          connectionConfiguration:\n            database: SALES\n",
		with: "          connectionConfiguration: [SALES]\n",
		want: []string{
			"dataProduct.components[1].specific.destination.connectionConfiguration: is a list; expected a mapping with the fields of the connector",
		},
	},
	"configuration is a text": {
		old:  "          connectionConfiguration:\n            database: SALES\n",
		with: "          connectionConfiguration: SALES\n",
		want: []string{
			"dataProduct.components[1].specific.destination.connectionConfiguration: is a text; expected a mapping with the fields of the connector",
		},
	},
	"duplicate key in what is read": {
		old:  "            port: 5432\n",
		with: "            port: 5432\n            host: other\n",
		want: []string{
			"dataProduct.components[1].specific.source.connectionConfiguration.host: line 22: the key \"host\" is there twice, first on line 20; keep one of them",
		},
	},
	"duplicate key elsewhere": {
		old:  "      name: Storage\n",
		with: "      name: Storage\n      tags: {a: 1, a: 2}\n",
		want: []string{
			"dataProduct.components[0].tags.a: line 10: the key \"a\" is there twice, first on line 10; keep one of them",
		},
	},
	"duplicate key at the root": {
		old:  "componentIdToProvision:",
		with: "dataProduct: {}\ncomponentIdToProvision:",
		want: []string{
			"dataProduct: line 32: the key \"dataProduct\" is there twice, first on line 1; keep one of them",
		},
	},
	"definitionId is no UUID": {
		old:  "          connector: source-postgres\n",
		with: "          definitionId: abc\n",
		want: []string{
			"dataProduct.components[1].specific.source.definitionId: is \"abc\"; expected the UUID of a connector definition",
		},
	},
	"definitionId is a destination's": {
		old:  "          connector: source-postgres\n",
		with: "          definitionId: 424892c4-daac-4491-b35d-c6688ba547ba\n",
		want: []string{
			"dataProduct.components[1].specific.source.definitionId: is that of destination-snowflake, a destination; expected a source",
		},
	},
	"definitionId of another connector": {
		old:  "          connector: source-postgres\n",
		with: "          connector: source-postgres\n          definitionId: 435bb9a5-7887-4809-aa58-28c27df0d7ad\n",
		want: []string{
			"dataProduct.components[1].specific.source.definitionId: is that of source-mysql, but connector is source-postgres; expected one of the two, or both of one connector",
		},
	},
	"connector of the wrong kind": {
		old:  "          connector: source-postgres\n",
		with: "          connector: destination-postgres\n",
		want: []string{
			"dataProduct.components[1].specific.source.connector: is \"destination-postgres\"; expected the name of a source connector, such as source-file; did you mean source-postgres?",
		},
	},
	"connector is no name": {
		old:  "          connector: source-postgres\n",
		with: "          connector: Postgres!\n",
		want: []string{
			"dataProduct.components[1].specific.source.connector: is \"Postgres!\"; expected the name of a source connector, such as source-file; did you mean source-postgres?",
		},
	},
	"connector is a short name": {
		old:  "          connector: source-postgres\n",
		with: "          connector: postgres\n",
		want: []string{
			"dataProduct.components[1].specific.source.connector: is \"postgres\"; expected the name of a source connector, such as source-file; did you mean source-postgres?",
		},
	},
	"connector is a list": {
		old:  "          connector: source-postgres\n",
		with: "          connector: [source-postgres]\n",
		want: []string{
			"dataProduct.components[1].specific.source.connector: is a list; expected a connector's name, such as source-postgres",
		},
	},
	"adopt is a text": {
		old:  "        connection:\n",
		with: "        adopt: yes\n        connection:\n",
		want: []string{
			"dataProduct.components[1].specific.adopt: is a text; expected a mapping with connectionId",
		},
	},
	"adopt without an id": {
		old:  "        connection:\n",
		with: "        adopt: {}\n        connection:\n",
		want: []string{
			"dataProduct.components[1].specific.adopt.connectionId: is missing; expected the UUID of the connection to take over",
		},
	},
	"adopt with a wrong id": {
		old:  "        connection:\n",
		with: "        adopt: {connectionId: 12}\n        connection:\n",
		want: []string{
			"dataProduct.components[1].specific.adopt.connectionId: is \"12\"; expected the UUID of the connection to take over",
		},
	},
	"schedule is a text": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          schedule: daily\n",
		want: []string{
			"dataProduct.components[1].specific.connection.schedule: is a text; expected a mapping with type and the fields of that type",
		},
	},
	"schedule without type": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          schedule: {units: 6, timeUnit: hours}\n",
		want: []string{
			"dataProduct.components[1].specific.connection.schedule.type: is missing; expected manual, basic or cron",
		},
	},
	"schedule of a wrong type": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          schedule: {type: crom}\n",
		want: []string{
			"dataProduct.components[1].specific.connection.schedule.type: is \"crom\"; expected manual, basic or cron; did you mean cron?",
		},
	},
	"basic without units": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          schedule: {type: basic}\n",
		want: []string{
			"dataProduct.components[1].specific.connection.schedule.units: is missing; expected a whole number above 0",
			"dataProduct.components[1].specific.connection.schedule.timeUnit: is missing; expected minutes, hours, days, weeks or months",
		},
	},
	"basic with zero": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          schedule: {type: basic, units: 0, timeUnit: hours}\n",
		want: []string{
			"dataProduct.components[1].specific.connection.schedule.units: is \"0\"; expected a whole number from 1 to 1000000",
		},
	},
	"basic with half": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          schedule: {type: basic, units: 1.5, timeUnit: hour}\n",
		want: []string{
			"dataProduct.components[1].specific.connection.schedule.units: is \"1.5\"; expected a whole number from 1 to 1000000",
			"dataProduct.components[1].specific.connection.schedule.timeUnit: is \"hour\"; expected minutes, hours, days, weeks or months; did you mean hours?",
		},
	},
	"basic with a word": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          schedule: {type: basic, units: six, timeUnit: fortnights}\n",
		want: []string{
			"dataProduct.components[1].specific.connection.schedule.units: is \"six\"; expected a whole number from 1 to 1000000",
			"dataProduct.components[1].specific.connection.schedule.timeUnit: is \"fortnights\"; expected minutes, hours, days, weeks or months",
		},
	},
	"cron without its fields": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          schedule: {type: cron}\n",
		want: []string{
			"dataProduct.components[1].specific.connection.schedule.cronExpression: is missing; expected a Quartz cron expression, such as \"0 0 3 * * ?\"",
			"dataProduct.components[1].specific.connection.schedule.cronTimeZone: is missing; expected a time zone, such as UTC or Europe/Rome",
		},
	},
	"cron with five fields": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          schedule: {type: cron, cronExpression: \"0 3 * * *\", cronTimeZone: UTC}\n",
		want: []string{
			"dataProduct.components[1].specific.connection.schedule.cronExpression: has 5 fields; expected six or seven as Quartz has them: seconds, minutes, hours, day of month, month, day of week and perhaps year, such as \"0 0 3 * * ?\"",
		},
	},
	"cron without a question mark": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          schedule: {type: cron, cronExpression: \"0 0 3 * * *\", cronTimeZone: UTC}\n",
		want: []string{
			"dataProduct.components[1].specific.connection.schedule.cronExpression: has \"*\" as its day of month and \"*\" as its day of week; expected ? as exactly one of them, such as \"0 0 3 * * ?\"",
		},
	},
	"cron with two question marks": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          schedule: {type: cron, cronExpression: \"0 0 3 ? * ?\", cronTimeZone: UTC}\n",
		want: []string{
			"dataProduct.components[1].specific.connection.schedule.cronExpression: has \"?\" as its day of month and \"?\" as its day of week; expected ? as exactly one of them, such as \"0 0 3 * * ?\"",
		},
	},
	"cron with a wrong hour": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          schedule: {type: cron, cronExpression: \"0 0 24 * * ?\", cronTimeZone: UTC}\n",
		want: []string{
			"dataProduct.components[1].specific.connection.schedule.cronExpression: has \"24\" as its hours; expected *, a number from 0 to 23, a range, a list or a step such as */2",
		},
	},
	"cron with a wrong month": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          schedule: {type: cron, cronExpression: \"0 0 3 1 FOO ?\", cronTimeZone: UTC}\n",
		want: []string{
			"dataProduct.components[1].specific.connection.schedule.cronExpression: has \"FOO\" as its month; expected *, a number from 1 to 12, a range, a list or a step such as */2, or names such as JAN",
		},
	},
	"cron in Etc": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          schedule: {type: cron, cronExpression: \"0 0 3 * * ?\", cronTimeZone: Etc/UTC}\n",
		want: []string{
			"dataProduct.components[1].specific.connection.schedule.cronTimeZone: is \"Etc/UTC\", and Airbyte refuses zones that start with Etc; expected a zone such as UTC or Europe/Rome",
		},
	},
	"cron in no zone": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          schedule: {type: cron, cronExpression: \"0 0 3 * * ?\", cronTimeZone: Europe/Rom}\n",
		want: []string{
			"dataProduct.components[1].specific.connection.schedule.cronTimeZone: is \"Europe/Rom\", which is no known time zone; expected a name such as UTC or Europe/Rome",
		},
	},
	"streams is a mapping": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          streams: {name: a}\n",
		want: []string{
			"dataProduct.components[1].specific.connection.streams: is a mapping; expected a list of mappings with at least a name",
		},
	},
	"a stream is a text": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          streams: [orders]\n",
		want: []string{
			"dataProduct.components[1].specific.connection.streams[0]: is a text; expected a mapping with at least a name",
		},
	},
	"a stream without name": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          streams: [{namespace: public}]\n",
		want: []string{
			"dataProduct.components[1].specific.connection.streams[0].name: is missing; expected the stream's name, as the source has it",
		},
	},
	"a stream twice": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          streams: [{name: a}, {name: b}, {name: a}]\n",
		want: []string{
			"dataProduct.components[1].specific.connection.streams[2]: names the stream \"a\", as dataProduct.components[1].specific.connection.streams[0] does; expected each stream once",
		},
	},
	"wrong modes": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          streams: [{name: a, syncMode: full, destinationSyncMode: dedup}]\n",
		want: []string{
			"dataProduct.components[1].specific.connection.streams[0].syncMode: is \"full\"; expected full_refresh or incremental; did you mean full_refresh?",
			"dataProduct.components[1].specific.connection.streams[0].destinationSyncMode: is \"dedup\"; expected append, overwrite, append_dedup, overwrite_dedup, update or soft_delete; did you mean append_dedup?",
		},
	},
	"cursor is a mapping": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          streams: [{name: a, cursorField: {a: b}}]\n",
		want: []string{
			"dataProduct.components[1].specific.connection.streams[0].cursorField: is a mapping; expected a list of field names",
		},
	},
	"primary key is a text": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          streams: [{name: a, primaryKey: id}]\n",
		want: []string{
			"dataProduct.components[1].specific.connection.streams[0].primaryKey: is a text; expected a list of lists of field names, such as [[id]]",
		},
	},
	"primary key of a mapping": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          streams: [{name: a, primaryKey: [{id: 1}]}]\n",
		want: []string{
			"dataProduct.components[1].specific.connection.streams[0].primaryKey[0]: is a mapping; expected a list of field names",
		},
	},
	"selected fields is a text": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          streams: [{name: a, selectedFields: id}]\n",
		want: []string{
			"dataProduct.components[1].specific.connection.streams[0].selectedFields: is a text; expected a list of field names",
		},
	},
	"exclude is a word": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          streams: [{name: a, exclude: maybe}]\n",
		want: []string{
			"dataProduct.components[1].specific.connection.streams[0].exclude: is \"maybe\"; expected true or false",
		},
	},
	"namespace definition": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          namespaceDefinition: custom\n",
		want: []string{
			"dataProduct.components[1].specific.connection.namespaceDefinition: is \"custom\"; expected source, destination or customformat; did you mean customformat?",
		},
	},
	"customformat without a format": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          namespaceDefinition: customformat\n",
		want: []string{
			"dataProduct.components[1].specific.connection.namespaceFormat: is missing; namespaceDefinition customformat needs it, such as ${SOURCE_NAMESPACE}",
		},
	},
	"a format without customformat": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          namespaceFormat: x\n",
		want: []string{
			"dataProduct.components[1].specific.connection.namespaceDefinition: is missing; namespaceFormat works with customformat only",
		},
	},
	"non-breaking changes": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          nonBreakingChangesPreference: propagate\n",
		want: []string{
			"dataProduct.components[1].specific.connection.nonBreakingChangesPreference: is \"propagate\"; expected ignore, disable, propagate_columns or propagate_fully; did you mean propagate_columns?",
		},
	},
	"status": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          status: deprecated\n",
		want: []string{
			"dataProduct.components[1].specific.connection.status: is \"deprecated\"; expected active or inactive",
		},
	},
	"syncOnProvision": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          syncOnProvision: 1\n",
		want: []string{
			"dataProduct.components[1].specific.connection.syncOnProvision: is \"1\"; expected true or false",
		},
	},
	"prefix is a list": {
		old:  "          name: Orders to warehouse\n",
		with: "          name: Orders to warehouse\n          prefix: [raw_]\n",
		want: []string{
			"dataProduct.components[1].specific.connection.prefix: is a list; expected a text to put before each stream's name",
		},
	},
	"a tag": {
		old:  "            host: db.example.com\n            port: 5432\n            database: orders\n            username: airbyte\n            password: ${secret:DB}\n",
		with: "            host: db.example.com\n            port: 5432\n            database: orders\n            username: airbyte\n            password: ${secret:DB}\n            jdbc_url_params: !!python/object x\n",
		want: []string{
			"dataProduct.components[1].specific.source.connectionConfiguration.jdbc_url_params: has a YAML tag, which a configuration cannot hold; a text that begins with ! needs quotes",
		},
	},
	"a binary": {
		old:  "            host: db.example.com\n            port: 5432\n            database: orders\n            username: airbyte\n            password: ${secret:DB}\n",
		with: "            host: db.example.com\n            port: 5432\n            database: orders\n            username: airbyte\n            password: ${secret:DB}\n            jdbc_url_params: !!binary aGVsbG8=\n",
		want: []string{
			"dataProduct.components[1].specific.source.connectionConfiguration.jdbc_url_params: has a YAML tag, which a configuration cannot hold; a text that begins with ! needs quotes",
		},
	},
	"a key that is a list": {
		old:  "            host: db.example.com\n            port: 5432\n            database: orders\n            username: airbyte\n            password: ${secret:DB}\n",
		with: "            host: db.example.com\n            port: 5432\n            database: orders\n            username: airbyte\n            password: ${secret:DB}\n            ? [a, b]\n            : c\n",
		want: []string{
			"dataProduct.components[1].specific.source.connectionConfiguration: line 25: has a key that is a list; expected a text",
		},
	},
	"NUL by escape": {
		old:  "            host: db.example.com\n            port: 5432\n            database: orders\n            username: airbyte\n            password: ${secret:DB}\n",
		with: "            host: db.example.com\n            port: 5432\n            database: orders\n            username: airbyte\n            password: ${secret:DB}\n            jdbc_url_params: \"a\\0b\"\n",
		want: []string{
			"dataProduct.components[1].specific.source.connectionConfiguration.jdbc_url_params: holds a NUL character, which Airbyte cannot store",
		},
	},
	"many at once": {
		old:  "            host: db.example.com\n            port: 5432\n            database: orders\n            username: airbyte\n            password: ${secret:DB}\n        destination:\n          name: Warehouse\n          connector: destination-snowflake\n",
		with: "            port: high\n        destination:\n          name: null\n          connector: source-file\n",
		want: []string{
			"dataProduct.components[1].specific.source.connectionConfiguration.database: is missing; expected a text (Database)",
			"dataProduct.components[1].specific.source.connectionConfiguration.host: is missing; expected a text (Host)",
			"dataProduct.components[1].specific.source.connectionConfiguration.port: is a text; expected a whole number (Port)",
			"dataProduct.components[1].specific.source.connectionConfiguration.username: is missing; expected a text (User)",
			"dataProduct.components[1].specific.destination.name: is missing; expected the name that the destination is to have in Airbyte",
			"dataProduct.components[1].specific.destination.connector: is \"source-file\"; expected the name of a destination connector, such as destination-snowflake",
		},
	},
}
