package access

import (
	"errors"
	"testing"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// What cannot be brought about in the simulator, which cleans up as the newest servers do.
func TestWant(t *testing.T) {
	t.Parallel()
	given := func(id, role string) *airbyte.Permission {
		return &airbyte.Permission{ID: id, Type: role, UserID: "u"}
	}
	for name, test := range map[string]struct {
		seen   sight
		known  entry
		role   string
		deed   deed
		effect effect
	}{
		"an inherited role is enough beside a lower one": {
			sight{given("p", "workspace_reader"), given("o", "organization_admin")}, entry{}, "workspace_editor", nothing, effectHeld,
		},
		"membership of the organization gives nothing": {
			sight{nil, given("o", "organization_member")}, entry{}, "workspace_reader", create, effectGranted,
		},
		"a role that this program does not know is not replaced": {
			sight{given("p", "workspace_dreamer"), nil}, entry{}, "workspace_reader", nothing, effectConflict,
		},
		"an owner has everything": {
			sight{given("p", "workspace_owner"), nil}, entry{}, "workspace_admin", nothing, effectHeld,
		},
		"a grant whose answer was lost is ours": {
			sight{given("p", "workspace_reader"), nil}, entry{grant: &grant{State: granting, Role: "workspace_reader"}, mine: true}, "workspace_reader", nothing, effectKept,
		},
		"a revocation that was not carried out is undone by keeping": {
			sight{given("p", "workspace_reader"), nil},
			entry{grant: &grant{State: revoking, Role: "workspace_reader", PermissionID: "p"}},
			"workspace_reader", nothing, effectKept,
		},
		"a revocation that was carried out is followed by a new grant": {
			sight{}, entry{grant: &grant{State: revoking, Role: "workspace_reader", PermissionID: "p"}}, "workspace_reader", create, effectGranted,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := want(person{email: "a@x.it", address: "a@x.it", id: "u"}, test.role, test.seen, test.known, time.Now())
			if got.deed != test.deed || got.effect != test.effect {
				t.Errorf("deed %q with effect %q, want %q with %q", got.deed, got.effect, test.deed, test.effect)
			}
		})
	}
}

// What a newer version of this program wrote is left alone.
func TestNewerLedger(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	h.must(h.performer(), "orders", anna)
	key := h.ledger("orders").key("user", "anna@acme.com")
	if err := h.redis.Set(t.Context(), key, `{"v":2,"state":"granted"}`, 0).Err(); err != nil {
		t.Fatal(err)
	}
	before := h.roles(workspaceID)
	var wait *workload.WaitError
	if _, err := h.update(h.performer(), "orders"); !errors.As(err, &wait) {
		t.Errorf("a grant of a newer version is for newer workers: %v", err)
	}
	if len(h.roles(workspaceID)) != len(before) {
		t.Error("something was changed")
	}
}
