// Package reverse carries out reverse provisioning: it reads a connection that
// is in Airbyte, with its source and destination, and answers what has to stand
// in the component's catalog-info.yaml so that provisioning it finds nothing to
// change. It makes reading calls only, and answers no secret.
//
// # Secrets
//
// A value becomes the place-holder ${secret:NAME}, whatever Airbyte shows of it, if
//
//   - it lies in a field that the connector's own specification, as this Airbyte
//     has it, marks airbyte_secret in any of its variants;
//   - it is Airbyte's mask;
//   - its field's name says that it is a secret, whether or not the
//     specification knows the field: Airbyte masks no field that it does not know;
//   - it is a text that holds one: a password within a URL, a signed URL, a
//     parameter list or JSON with such a name in it.
//
// A place-holder that catalog-info.yaml already has in that field stays.
package reverse
