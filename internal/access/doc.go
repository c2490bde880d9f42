// Package access carries out updateacl: it gives the users that Witboost names
// a role in an Airbyte workspace, and takes back what it gave once nobody wants
// it any more. It imports workload, airbyte and mishap.
//
// # From refs to users
//
// A ref becomes email addresses through the principals table first, then, for
// users, by Witboost's spelling (john.doe_acme.com is john.doe@acme.com). An
// address becomes an Airbyte user through the workspace's own list, a look-up
// by address, or the organization's list, which is asked for those whom the
// look-up does not find (it minds their case) or may not find. The table may
// also name a group of Airbyte's, which is then treated like a user. Every ref
// is resolved before the first change.
//
// # The ledger
//
// Airbyte keeps one role per user and workspace and says nothing about who gave
// it. So Redis remembers, per workspace and address, which grant is this
// product's and which components want it. All keys of a workspace are in one
// slot of a Redis Cluster. For <address> a group of Airbyte's has group:<its id>:
//
//	<Instance>airbyte-provisioner:{<workspace>}:access:user:<address>   string the grant this product made, as JSON
//	<Instance>airbyte-provisioner:{<workspace>}:access:wanted:<address> set    the components that want it
//	<Instance>airbyte-provisioner:{<workspace>}:access:wants:<digest>   set    the addresses that a component wants
//	<Instance>airbyte-provisioner:{<workspace>}:access:lock:<address>   string who may change it now; expires
//	<Instance>airbyte-provisioner:{<xx>}:access:<digest>                set    the workspaces in which a component wants anything
//
// The last one is in another slot: a workspace is in it before anything else is
// written there, and leaves it last.
//
// # The life of a grant
//
//	(none) --intent--> granting --the role is seen--> granted --intent--> revoking --the role is gone--> (none)
//
// The intent is written before the call, so a grant whose answer was lost is
// still known as ours. What is true is decided by looking at Airbyte again,
// never by what was last written:
//
//   - A role is ours if the ledger has it and Airbyte still shows that very
//     permission with that role. Once somebody changed it, it is theirs.
//   - A role of somebody else's that includes the wanted one is left alone. A
//     lower one is raised, and given back as it was when nobody wants it any more.
//   - A role of ours is taken back when no component wants it, and so is an
//     invitation of ours. One that was there before we made any is not ours.
//
// A group may have several roles in one workspace. So ours is given beside a
// lower one, and changed by taking it back and giving the other.
//
// Changes to one user are made by one operation at a time, under a lock in
// Redis: two components must not grant and revoke the same role at once. Each
// write to the ledger is refused once the lock has passed to somebody else.
package access
