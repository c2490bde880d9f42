package catalog

// wrongCases are configurations that the API refuses, by what is wrong with them.
var wrongCases = map[string]struct {
	connector, configuration string
	want                     []string
}{
	"file: nothing": {
		connector: "source-file", configuration: `{}`,
		want: []string{
			"dataset_name: is missing; expected a text (Dataset Name: Name of the stream and so of the table; letters, digits, dashes and underscores are safe everywhere)",
			"format: is missing; expected csv, json, jsonl, excel, excel_binary, fwf, feather, parquet or yaml (File Format)",
			"provider: is missing; expected a mapping whose \"storage\" is HTTPS, GCS, S3, AzBlob, SSH, SCP, SFTP or local (Storage Provider)",
			"url: is missing; expected a text (URL: Where the file is, such as https://host/file.csv, gs://bucket/file or s3://bucket/file)",
		},
	},
	"file: no url": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "provider": {"storage": "HTTPS"}}`,
		want: []string{
			"url: is missing; expected a text (URL: Where the file is, such as https://host/file.csv, gs://bucket/file or s3://bucket/file)",
		},
	},
	"file: url is a mapping": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": {"a": "b"}, "provider": {"storage": "HTTPS"}}`,
		want: []string{
			"url: is a mapping; expected a text (URL: Where the file is, such as https://host/file.csv, gs://bucket/file or s3://bucket/file)",
		},
	},
	"file: url is a list": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": ["a"], "provider": {"storage": "HTTPS"}}`,
		want: []string{
			"url: is a list; expected a text (URL: Where the file is, such as https://host/file.csv, gs://bucket/file or s3://bucket/file)",
		},
	},
	"file: format in capitals": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "CSV", "url": "https://x/y.csv", "provider": {"storage": "HTTPS"}}`,
		want: []string{
			"format: is \"CSV\"; expected csv, json, jsonl, excel, excel_binary, fwf, feather, parquet or yaml; did you mean csv?",
		},
	},
	"file: format is misspelt": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "parket", "url": "https://x/y.csv", "provider": {"storage": "HTTPS"}}`,
		want: []string{
			"format: is \"parket\"; expected csv, json, jsonl, excel, excel_binary, fwf, feather, parquet or yaml; did you mean parquet?",
		},
	},
	"file: format is a boolean": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": true, "url": "https://x/y.csv", "provider": {"storage": "HTTPS"}}`,
		want: []string{
			"format: is \"true\"; expected csv, json, jsonl, excel, excel_binary, fwf, feather, parquet or yaml",
		},
	},
	"file: provider is a text": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": "https://x/y.csv", "provider": "HTTPS"}`,
		want: []string{
			"provider: is a text; expected a mapping whose \"storage\" is HTTPS, GCS, S3, AzBlob, SSH, SCP, SFTP or local (Storage Provider)",
		},
	},
	"file: provider without storage": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": "https://x/y.csv", "provider": {"user_agent": true}}`,
		want: []string{
			"provider.storage: is missing; expected HTTPS, GCS, S3, AzBlob, SSH, SCP, SFTP or local, which decides the other fields of Storage Provider",
		},
	},
	"file: storage is misspelt": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": "https://x/y.csv", "provider": {"storage": "HTTP"}}`,
		want: []string{
			"provider.storage: is \"HTTP\"; expected HTTPS, GCS, S3, AzBlob, SSH, SCP, SFTP or local; did you mean HTTPS?",
		},
	},
	"file: storage in other case": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": "https://x/y.csv", "provider": {"storage": "sftp", "user": "u", "host": "h"}}`,
		want: []string{
			"provider.storage: is \"sftp\"; expected HTTPS, GCS, S3, AzBlob, SSH, SCP, SFTP or local; did you mean SFTP?",
		},
	},
	"file: storage is a number": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": "https://x/y.csv", "provider": {"storage": 3}}`,
		want: []string{
			"provider.storage: is \"3\"; expected HTTPS, GCS, S3, AzBlob, SSH, SCP, SFTP or local; did you mean S3?",
		},
	},
	"file: storage is a list": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": "https://x/y.csv", "provider": {"storage": ["S3"]}}`,
		want: []string{
			"provider.storage: is a list; expected HTTPS, GCS, S3, AzBlob, SSH, SCP, SFTP or local",
		},
	},
	"file: user agent is a word": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": "https://x/y.csv", "provider": {"storage": "HTTPS", "user_agent": "maybe"}}`,
		want: []string{
			"provider.user_agent: is a text; expected true or false (User Agent: Whether to send a User-Agent header)",
		},
	},
	"file: blob storage without account": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": "https://x/y.csv", "provider": {"storage": "AzBlob"}}`,
		want: []string{
			"provider.storage_account: is missing; expected a text (Storage Account)",
		},
	},
	"file: SSH without user and host": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": "https://x/y.csv", "provider": {"storage": "SSH"}}`,
		want: []string{
			"provider.host: is missing; expected a text (Host)",
			"provider.user: is missing; expected a text (User)",
		},
	},
	"file: SFTP without host": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": "https://x/y.csv", "provider": {"storage": "SFTP", "user": "u"}}`,
		want: []string{
			"provider.host: is missing; expected a text (Host)",
		},
	},
	"file: SCP with a password in clear": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": "https://x/y.csv", "provider": {"storage": "SCP", "user": "u", "host": "h", "password": "hunter2"}}`,
		want: []string{
			"provider.password: holds a secret in clear text; expected a reference such as ${secret:PASSWORD}",
		},
	},
	"file: a service account in clear": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": "https://x/y.csv", "provider": {"storage": "GCS", "service_account_json": {"private_key": "hunter2"}}}`,
		want: []string{
			"provider.service_account_json: holds a secret in clear text; expected a reference such as ${secret:SERVICE_ACCOUNT_JSON}",
		},
	},
	"file: a secret key in clear": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": "https://x/y.csv", "provider": {"storage": "S3", "aws_access_key_id": "AKIA", "aws_secret_access_key": "hunter2"}}`,
		want: []string{
			"provider.aws_secret_access_key: holds a secret in clear text; expected a reference such as ${secret:AWS_SECRET_ACCESS_KEY}",
		},
	},
	"file: a shared key in clear": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": "https://x/y.csv", "provider": {"storage": "AzBlob", "storage_account": "a", "shared_key": "hunter2"}}`,
		want: []string{
			"provider.shared_key: holds a secret in clear text; expected a reference such as ${secret:SHARED_KEY}",
		},
	},
	"file: a password in the URL": {
		connector: "source-file", configuration: `{"dataset_name": "d", "format": "csv", "url": "https://user:hunter2@x/y.csv", "provider": {"storage": "HTTPS"}}`,
		want: []string{
			"url: holds a password within a URL; expected a reference in its place, such as https://user:${secret:NAME}@host",
		},
	},
	"postgres: nothing": {
		connector: "source-postgres", configuration: `{}`,
		want: []string{
			"database: is missing; expected a text (Database)",
			"host: is missing; expected a text (Host)",
			"username: is missing; expected a text (User)",
		},
	},
	"postgres: port is a word": {
		connector: "source-postgres", configuration: `{"host": "h", "port": "high", "database": "d", "username": "u"}`,
		want: []string{
			"port: is a text; expected a whole number (Port)",
		},
	},
	"postgres: port is too high": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 70000, "database": "d", "username": "u"}`,
		want: []string{
			"port: is above 65536; expected a whole number (Port)",
		},
	},
	"postgres: port is negative": {
		connector: "source-postgres", configuration: `{"host": "h", "port": -1, "database": "d", "username": "u"}`,
		want: []string{
			"port: is below 0; expected a whole number (Port)",
		},
	},
	"postgres: port has a fraction": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 1.5, "database": "d", "username": "u"}`,
		want: []string{
			"port: is a number with a fraction; expected a whole number (Port)",
		},
	},
	"postgres: port is a boolean": {
		connector: "source-postgres", configuration: `{"host": "h", "port": true, "database": "d", "username": "u"}`,
		want: []string{
			"port: is a boolean; expected a whole number (Port)",
		},
	},
	"postgres: host is misspelt": {
		connector: "source-postgres", configuration: `{"hosst": "h", "port": 1, "database": "d", "username": "u"}`,
		want: []string{
			"host: is missing; expected a text (Host); is \"hosst\" meant to be it?",
		},
	},
	"postgres: schemas is a text": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "schemas": "public"}`,
		want: []string{
			"schemas: is a text; expected a list (Schemas: Which schemas to read; public if nothing is given)",
		},
	},
	"postgres: schemas of mappings": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "schemas": [{"name": "public"}]}`,
		want: []string{
			"schemas[0]: is a mapping; expected a text",
		},
	},
	"postgres: encryption is a text": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "ssl_mode": "require"}`,
		want: []string{
			"ssl_mode: is a text; expected a mapping whose \"mode\" is disable, allow, prefer, require, verify-ca or verify-full (Encryption: How the connection is encrypted, and what is verified)",
		},
	},
	"postgres: encryption is a boolean": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "ssl_mode": true}`,
		want: []string{
			"ssl_mode: is a boolean; expected a mapping whose \"mode\" is disable, allow, prefer, require, verify-ca or verify-full (Encryption: How the connection is encrypted, and what is verified)",
		},
	},
	"postgres: encryption without mode": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "ssl_mode": {}}`,
		want: []string{
			"ssl_mode.mode: is missing; expected disable, allow, prefer, require, verify-ca or verify-full, which decides the other fields of Encryption",
		},
	},
	"postgres: encryption mode is misspelt": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "ssl_mode": {"mode": "required"}}`,
		want: []string{
			"ssl_mode.mode: is \"required\"; expected disable, allow, prefer, require, verify-ca or verify-full; did you mean require?",
		},
	},
	"postgres: verify-ca without a certificate": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "ssl_mode": {"mode": "verify-ca"}}`,
		want: []string{
			"ssl_mode.ca_certificate: is missing; expected a text (CA Certificate)",
		},
	},
	"postgres: client key in clear": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "ssl_mode": {"mode": "verify-ca", "ca_certificate": "${secret:CA}", "client_key": "hunter2"}}`,
		want: []string{
			"ssl_mode.client_key: holds a secret in clear text; expected a reference such as ${secret:CLIENT_KEY}",
		},
	},
	"postgres: replication of an unknown method": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "replication_method": {"method": "cdc"}}`,
		want: []string{
			"replication_method.method: is \"cdc\"; expected CDC, Xmin or Standard; did you mean CDC?",
		},
	},
	"postgres: CDC without slot": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "replication_method": {"method": "CDC", "publication": "p"}}`,
		want: []string{
			"replication_method.replication_slot: is missing; expected a text (Replication Slot: A slot made for this source alone)",
		},
	},
	"postgres: CDC with an unknown plug-in": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "replication_method": {"method": "CDC", "publication": "p", "replication_slot": "s", "plugin": "wal2json"}}`,
		want: []string{
			"replication_method.plugin: is \"wal2json\"; expected pgoutput",
		},
	},
	"postgres: CDC with a wrong number": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "replication_method": {"method": "CDC", "publication": "p", "replication_slot": "s", "queue_size": "big"}}`,
		want: []string{
			"replication_method.queue_size: is a text; expected a whole number (Queue Size)",
		},
	},
	"postgres: tunnel without host": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "tunnel_method": {"tunnel_method": "SSH_KEY_AUTH", "tunnel_port": 22, "tunnel_user": "u", "ssh_key": "${secret:K}"}}`,
		want: []string{
			"tunnel_method.tunnel_host: is missing; expected a text (Jump Server)",
		},
	},
	"postgres: tunnel key in clear": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "tunnel_method": {"tunnel_method": "SSH_KEY_AUTH", "tunnel_host": "h", "tunnel_port": 22, "tunnel_user": "u", "ssh_key": "hunter2"}}`,
		want: []string{
			"tunnel_method.ssh_key: holds a secret in clear text; expected a reference such as ${secret:SSH_KEY}",
		},
	},
	"postgres: tunnel port is too high": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "tunnel_method": {"tunnel_method": "SSH_PASSWORD_AUTH", "tunnel_host": "h", "tunnel_port": 99999, "tunnel_user": "u", "tunnel_user_password": "${secret:K}"}}`,
		want: []string{
			"tunnel_method.tunnel_port: is above 65536; expected a whole number (Jump Server's Port)",
		},
	},
	"postgres: password in clear": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "password": "hunter2"}`,
		want: []string{
			"password: holds a secret in clear text; expected a reference such as ${secret:PASSWORD}",
		},
	},
	"postgres: password is a number": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "password": 12345}`,
		want: []string{
			"password: holds a secret in clear text; expected a reference such as ${secret:PASSWORD}",
		},
	},
	"postgres: password is the mask": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "password": "**********"}`,
		want: []string{
			"password: holds the mask that Airbyte shows instead of a secret; expected a reference such as ${secret:PASSWORD}",
		},
	},
	"postgres: a reference with a blank": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "password": "${secret:MY KEY}"}`,
		want: []string{
			"password: holds a reference that is not well-formed; expected ${secret:NAME}, with letters, digits, dots, dashes and underscores in the name",
		},
	},
	"postgres: a reference that leads elsewhere": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "password": "${secret:../etc/passwd}"}`,
		want: []string{
			"password: holds a reference that is not well-formed; expected ${secret:NAME}, with letters, digits, dots, dashes and underscores in the name",
		},
	},
	"postgres: a reference without end": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "password": "${secret:KEY"}`,
		want: []string{
			"password: holds a reference that is not well-formed; expected ${secret:NAME}, with letters, digits, dots, dashes and underscores in the name",
		},
	},
	"postgres: a reference in capitals": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "password": "${SECRET:KEY}"}`,
		want: []string{
			"password: holds a reference that is not well-formed; expected ${secret:NAME}, with letters, digits, dots, dashes and underscores in the name",
		},
	},
	"postgres: a sealed value": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "password": "${sealed:abc}"}`,
		want: []string{
			"password: holds a sealed value, which only this product may write; expected a reference such as ${secret:NAME}",
		},
	},
	"postgres: a reference as the name of a field": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "x": [{"a ${secret:KEY}": "hunter2"}]}`,
		want: []string{
			"x[0].a ${secret:KEY}: holds a reference in the name of the field; expected it in a value",
		},
	},
	"postgres: misspelt references": {
		connector: "source-postgres", configuration: `{"host": "${secrets:HOST}", "port": 5432, "database": "${secret.DB}", "username": "u", "jdbc_url_params": "a=${Secret=A}", "password": "x${secret:A}${secret: B}"}`,
		want: []string{
			"database: holds a reference that is not well-formed; expected ${secret:NAME}, with letters, digits, dots, dashes and underscores in the name",
			"host: holds a reference that is not well-formed; expected ${secret:NAME}, with letters, digits, dots, dashes and underscores in the name",
			"jdbc_url_params: holds a reference that is not well-formed; expected ${secret:NAME}, with letters, digits, dots, dashes and underscores in the name",
			"password: holds a reference that is not well-formed; expected ${secret:NAME}, with letters, digits, dots, dashes and underscores in the name",
		},
	},
	"postgres: a setting of the platform": {
		connector: "source-postgres", configuration: `{"host": "h", "port": 5432, "database": "d", "username": "u", "password": "${setting:SNOWFLAKE_PASSWORD}"}`,
		want: []string{
			"password: holds a secret in clear text; expected a reference such as ${secret:PASSWORD}",
		},
	},
	"mysql: without host and user": {
		connector: "source-mysql", configuration: `{"database": "d"}`,
		want: []string{
			"host: is missing; expected a text (Host)",
			"username: is missing; expected a text (User)",
		},
	},
	"mysql: replication is a text": {
		connector: "source-mysql", configuration: `{"host": "h", "database": "d", "username": "u", "replication_method": "CDC"}`,
		want: []string{
			"replication_method: is a text; expected a mapping whose \"method\" is STANDARD or CDC (Replication Method: How changes since the last sync are found)",
		},
	},
	"mysql: verify_identity without a certificate": {
		connector: "source-mysql", configuration: `{"host": "h", "database": "d", "username": "u", "ssl_mode": {"mode": "verify_identity"}}`,
		want: []string{
			"ssl_mode.ca_certificate: is missing; expected a text (CA Certificate)",
		},
	},
	"mysql: lost position": {
		connector: "source-mysql", configuration: `{"host": "h", "database": "d", "username": "u", "replication_method": {"method": "CDC", "invalid_cdc_cursor_position_behavior": "Resync"}}`,
		want: []string{
			"replication_method.invalid_cdc_cursor_position_behavior: is \"Resync\"; expected Fail sync or Re-sync data",
		},
	},
	"mssql: without password": {
		connector: "source-mssql", configuration: `{"host": "h", "database": "d", "username": "u"}`,
		want: []string{
			"password: is missing; expected a text (Password)",
		},
	},
	"mssql: encryption of an unknown kind": {
		connector: "source-mssql", configuration: `{"host": "h", "database": "d", "username": "u", "password": "${secret:P}", "ssl_method": {"ssl_method": "encrypted"}}`,
		want: []string{
			"ssl_method.ssl_method: is \"encrypted\"; expected unencrypted, encrypted_trust_server_certificate or encrypted_verify_certificate; did you mean unencrypted?",
		},
	},
	"s3 source: nothing": {
		connector: "source-s3", configuration: `{}`,
		want: []string{
			"bucket: is missing; expected a text (Bucket)",
			"streams: is missing; expected a list (Streams: One entry for each table to be made of files)",
		},
	},
	"s3 source: streams is a mapping": {
		connector: "source-s3", configuration: `{"bucket": "b", "streams": {"name": "s"}}`,
		want: []string{
			"streams: is a mapping; expected a list (Streams: One entry for each table to be made of files)",
		},
	},
	"s3 source: stream without format": {
		connector: "source-s3", configuration: `{"bucket": "b", "streams": [{"name": "s"}]}`,
		want: []string{
			"streams[0].format: is missing; expected a mapping whose \"filetype\" is avro, csv, jsonl, parquet, unstructured or excel (Format)",
		},
	},
	"s3 source: format of an unknown type": {
		connector: "source-s3", configuration: `{"bucket": "b", "streams": [{"name": "s", "format": {"filetype": "tsv"}}]}`,
		want: []string{
			"streams[0].format.filetype: is \"tsv\"; expected avro, csv, jsonl, parquet, unstructured or excel; did you mean csv?",
		},
	},
	"s3 source: given header without columns": {
		connector: "source-s3", configuration: `{"bucket": "b", "streams": [{"name": "s", "format": {"filetype": "csv", "header_definition": {"header_definition_type": "User Provided"}}}]}`,
		want: []string{
			"streams[0].format.header_definition.column_names: is missing; expected a list (Columns)",
		},
	},
	"s3 source: start date": {
		connector: "source-s3", configuration: `{"bucket": "b", "start_date": "2024-01-01", "streams": [{"name": "s", "format": {"filetype": "jsonl"}}]}`,
		want: []string{
			"start_date: is not a valid date-time; expected a text (Start Date: Files changed before it are left out, such as 2024-01-01T00:00:00.000000Z)",
		},
	},
	"s3 source: policy": {
		connector: "source-s3", configuration: `{"bucket": "b", "streams": [{"name": "s", "validation_policy": "Skip", "format": {"filetype": "jsonl"}}]}`,
		want: []string{
			"streams[0].validation_policy: is \"Skip\"; expected Emit Record, Skip Record or Wait for Discover; did you mean Skip Record?",
		},
	},
	"s3 source: key id in clear": {
		connector: "source-s3", configuration: `{"bucket": "b", "aws_access_key_id": "AKIAhunter2", "streams": [{"name": "s", "format": {"filetype": "jsonl"}}]}`,
		want: []string{
			"aws_access_key_id: holds a secret in clear text; expected a reference such as ${secret:AWS_ACCESS_KEY_ID}",
		},
	},
	"faker: count is zero": {
		connector: "source-faker", configuration: `{"count": 0}`,
		want: []string{
			"count: is below 1; expected a whole number (Count: How many users to make up)",
		},
	},
	"faker: count is a word": {
		connector: "source-faker", configuration: `{"count": "many"}`,
		want: []string{
			"count: is a text; expected a whole number (Count: How many users to make up)",
		},
	},
	"faker: seed has a fraction": {
		connector: "source-faker", configuration: `{"seed": 1.25}`,
		want: []string{
			"seed: is a number with a fraction; expected a whole number (Seed: Equal seeds give equal data; -1 for random data)",
		},
	},
	"snowflake: credentials in clear": {
		connector: "destination-snowflake", configuration: `{"credentials": {"password": "hunter2"}}`,
		want: []string{
			"credentials.password: holds a secret in clear text; expected a reference such as ${secret:PASSWORD}",
		},
	},
	"snowflake: private key in clear": {
		connector: "destination-snowflake", configuration: `{"credentials": {"auth_type": "Key Pair Authentication", "private_key": "hunter2"}}`,
		want: []string{
			"credentials.private_key: holds a secret in clear text; expected a reference such as ${secret:PRIVATE_KEY}",
		},
	},
	"snowflake: retention is a word": {
		connector: "destination-snowflake", configuration: `{"retention_period_days": "long"}`,
		want: []string{
			"retention_period_days: is a text; expected a whole number (Time Travel Days)",
		},
	},
	"snowflake: type of numbers": {
		connector: "destination-snowflake", configuration: `{"number_data_type": "DOUBLE"}`,
		want: []string{
			"number_data_type: is \"DOUBLE\"; expected NUMBER(38,9) or FLOAT",
		},
	},
	"snowflake: database is a list": {
		connector: "destination-snowflake", configuration: `{"database": ["A"]}`,
		want: []string{
			"database: is a list; expected a text (Database: The domain's name if nothing is given)",
		},
	},
	"snowflake: deletion mode": {
		connector: "destination-snowflake", configuration: `{"cdc_deletion_mode": "hard delete"}`,
		want: []string{
			"cdc_deletion_mode: is \"hard delete\"; expected Hard delete or Soft delete; did you mean Hard delete?",
		},
	},
	"postgres destination: nothing": {
		connector: "destination-postgres", configuration: `{}`,
		want: []string{
			"database: is missing; expected a text (Database)",
			"host: is missing; expected a text (Host)",
			"username: is missing; expected a text (User)",
		},
	},
	"postgres destination: verify-full with half of it": {
		connector: "destination-postgres", configuration: `{"host": "h", "database": "d", "username": "u", "ssl_mode": {"mode": "verify-full", "ca_certificate": "${secret:CA}"}}`,
		want: []string{
			"ssl_mode.client_certificate: is missing; expected a text (Client Certificate)",
			"ssl_mode.client_key: is missing; expected a text (Client Key)",
		},
	},
	"bigquery: nothing": {
		connector: "destination-bigquery", configuration: `{}`,
		want: []string{
			"dataset_location: is missing; expected a text (Location: Where the dataset lies; it cannot be changed later)",
			"project_id: is missing; expected a text (Project)",
		},
	},
	"bigquery: location": {
		connector: "destination-bigquery", configuration: `{"project_id": "p", "dataset_location": "eu"}`,
		want: []string{
			"dataset_location: is \"eu\"; expected EU, US, africa-south1, asia-east1, asia-east2, asia-northeast1, asia-northeast2, asia-northeast3, asia-south1, asia-south2, asia-southeast1, asia-southeast2, australia-southeast1, australia-southeast2, europe-central2, europe-north1, europe-north2, europe-southwest1, europe-west1, europe-west2, europe-west3, europe-west4, europe-west6, europe-west8, europe-west9, europe-west10, europe-west12, me-central1, me-central2, me-west1, northamerica-northeast1, northamerica-northeast2, northamerica-south1, southamerica-east1, southamerica-west1, us-central1, us-east1, us-east4, us-east5, us-south1 and others; did you mean EU?",
		},
	},
	"bigquery: staging without its parts": {
		connector: "destination-bigquery", configuration: `{"project_id": "p", "dataset_location": "EU", "loading_method": {"method": "GCS Staging"}}`,
		want: []string{
			"loading_method.credential: is missing; expected a mapping whose \"credential_type\" is HMAC_KEY (Bucket's Credentials)",
			"loading_method.gcs_bucket_name: is missing; expected a text (Bucket)",
			"loading_method.gcs_bucket_path: is missing; expected a text (Path in the Bucket)",
		},
	},
	"bigquery: staging without the secret": {
		connector: "destination-bigquery", configuration: `{"project_id": "p", "dataset_location": "EU", "loading_method": {"method": "GCS Staging", "gcs_bucket_name": "b", "gcs_bucket_path": "p", "credential": {"credential_type": "HMAC_KEY", "hmac_key_access_id": "${secret:I}"}}}`,
		want: []string{
			"loading_method.credential.hmac_key_secret: is missing; expected a text (Secret)",
		},
	},
	"bigquery: key in clear": {
		connector: "destination-bigquery", configuration: `{"project_id": "p", "dataset_location": "EU", "credentials_json": {"type": "service_account", "private_key": "hunter2"}}`,
		want: []string{
			"credentials_json: holds a secret in clear text; expected a reference such as ${secret:CREDENTIALS_JSON}",
		},
	},
	"s3 destination: nothing": {
		connector: "destination-s3", configuration: `{}`,
		want: []string{
			"format: is missing; expected a mapping whose \"format_type\" is CSV, JSONL, Avro or Parquet (Format)",
			"s3_bucket_name: is missing; expected a text (Bucket)",
			"s3_bucket_path: is missing; expected a text (Path in the Bucket)",
			"s3_bucket_region: is missing; expected a text (Region)",
		},
	},
	"s3 destination: format is a text": {
		connector: "destination-s3", configuration: `{"s3_bucket_name": "b", "s3_bucket_path": "p", "s3_bucket_region": "eu-central-1", "format": "CSV"}`,
		want: []string{
			"format: is a text; expected a mapping whose \"format_type\" is CSV, JSONL, Avro or Parquet (Format)",
		},
	},
	"s3 destination: CSV without flattening": {
		connector: "destination-s3", configuration: `{"s3_bucket_name": "b", "s3_bucket_path": "p", "s3_bucket_region": "eu-central-1", "format": {"format_type": "CSV"}}`,
		want: []string{
			"format.flattening: is missing; expected No flattening or Root level flattening (Flattening)",
		},
	},
	"s3 destination: region": {
		connector: "destination-s3", configuration: `{"s3_bucket_name": "b", "s3_bucket_path": "p", "s3_bucket_region": "eu-central", "format": {"format_type": "JSONL"}}`,
		want: []string{
			"s3_bucket_region: is \"eu-central\"; expected af-south-1, ap-east-1, ap-northeast-1, ap-northeast-2, ap-northeast-3, ap-south-1, ap-south-2, ap-southeast-1, ap-southeast-2, ap-southeast-3, ap-southeast-4, ca-central-1, ca-west-1, cn-north-1, cn-northwest-1, eu-central-1, eu-central-2, eu-north-1, eu-south-1, eu-south-2, eu-west-1, eu-west-2, eu-west-3, il-central-1, me-central-1, me-south-1, sa-east-1, us-east-1, us-east-2, us-gov-east-1, us-gov-west-1, us-west-1 or us-west-2; did you mean eu-central-1?",
		},
	},
	"s3 destination: Avro codec without level": {
		connector: "destination-s3", configuration: `{"s3_bucket_name": "b", "s3_bucket_path": "p", "s3_bucket_region": "eu-central-1", "format": {"format_type": "Avro", "compression_codec": {"codec": "xz"}}}`,
		want: []string{
			"format.compression_codec.compression_level: is missing; expected a whole number (Level)",
		},
	},
	"s3 destination: compression": {
		connector: "destination-s3", configuration: `{"s3_bucket_name": "b", "s3_bucket_path": "p", "s3_bucket_region": "eu-central-1", "format": {"format_type": "Parquet", "compression_codec": "snappy"}}`,
		want: []string{
			"format.compression_codec: is \"snappy\"; expected UNCOMPRESSED, SNAPPY, GZIP, LZO, BROTLI, LZ4 or ZSTD; did you mean SNAPPY?",
		},
	},
	"local CSV: nothing": {
		connector: "destination-local-csv", configuration: `{}`,
		want: []string{
			"destination_path: is missing; expected a text (Destination Path: Directory for the files, under /local, such as /local/out)",
		},
	},
	"local JSON: path is a list": {
		connector: "destination-local-json", configuration: `{"destination_path": ["a"]}`,
		want: []string{
			"destination_path: is a list; expected a text (Destination Path: Directory for the files, under /local, such as /local/out)",
		},
	},
	"nowhere: an unknown type": {
		connector: "destination-dev-null", configuration: `{"test_destination": {"test_destination_type": "SLOW"}}`,
		want: []string{
			"test_destination.test_destination_type: is \"SLOW\"; expected LOGGING, SILENT, THROTTLED or FAILING",
		},
	},
	"nowhere: waits for how long": {
		connector: "destination-dev-null", configuration: `{"test_destination": {"test_destination_type": "THROTTLED"}}`,
		want: []string{
			"test_destination.millis_per_record: is missing; expected a whole number (Milliseconds per Record)",
		},
	},
	"nowhere: logs how": {
		connector: "destination-dev-null", configuration: `{"test_destination": {"test_destination_type": "LOGGING", "logging_config": {"logging_type": "EveryNth", "nth_entry_to_log": 0}}}`,
		want: []string{
			"test_destination.logging_config.max_entry_count: is missing; expected a number (At Most)",
			"test_destination.logging_config.nth_entry_to_log: is below 1; expected a whole number (n)",
		},
	},
	"bigquery: key file with a literal key": {
		connector: "destination-bigquery", configuration: `{"project_id": "p", "dataset_location": "EU", "credentials_json": {"client_email": "${secret:MAIL}", "private_key": "hunter2"}}`,
		want: []string{
			"credentials_json: holds a secret in clear text; expected a reference such as ${secret:CREDENTIALS_JSON}",
		},
	},
	"unknown connector: password in clear": {
		connector: "source-oracle", configuration: `{"host": "h", "password": "hunter2"}`,
		want: []string{
			"password: holds a secret in clear text; expected a reference such as ${secret:PASSWORD}",
		},
	},
	"unknown connector: a token deep down": {
		connector: "source-oracle", configuration: `{"auth": {"oauth": [{"refresh_token": "hunter2"}]}}`,
		want: []string{
			"auth.oauth[0].refresh_token: holds a secret in clear text; expected a reference such as ${secret:REFRESH_TOKEN}",
		},
	},
	"unknown connector: credentials in clear": {
		connector: "source-oracle", configuration: `{"service_account_info": {"key": "hunter2"}}`,
		want: []string{
			"service_account_info.key: holds a secret in clear text; expected a reference such as ${secret:KEY}",
		},
	},
	"unknown connector: a JDBC URL": {
		connector: "source-oracle", configuration: `{"url": "jdbc:oracle://scott:hunter2@h/x"}`,
		want: []string{
			"url: holds a password within a URL; expected a reference in its place, such as https://user:${secret:NAME}@host",
		},
	},
	"several things at once": {
		connector: "source-postgres", configuration: `{"host": ["h"], "port": "x", "username": "u", "password": "hunter2", "replication_method": {"method": "Xmi"}, "ssl_mode": {"mode": "verify-ca"}}`,
		want: []string{
			"database: is missing; expected a text (Database)",
			"host: is a list; expected a text (Host)",
			"password: holds a secret in clear text; expected a reference such as ${secret:PASSWORD}",
			"port: is a text; expected a whole number (Port)",
			"replication_method.method: is \"Xmi\"; expected CDC, Xmin or Standard; did you mean Xmin?",
			"ssl_mode.ca_certificate: is missing; expected a text (CA Certificate)",
		},
	},
}
