package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func aclSnapshot(t *testing.T) {
	s := running(t, nil, withPeople)
	s.give("cleo", "workspace_reader")
	s.setAccess(wish{}, "COMPLETED", user("anna"))
	st := s.setAccess(wish{}, "COMPLETED", user("anna"), user("ben"), user("cleo"))
	want := map[string]string{"anna": "workspace_reader", "ben": "workspace_reader", "cleo": "workspace_reader"}
	if diff := cmp.Diff(want, s.roles()); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	told := []granted{{Identity: user("anna")}, {Identity: user("ben")}, {Identity: user("cleo"), Locked: true}}
	if diff := cmp.Diff(told, st.Info.ACLInfo); diff != "" {
		t.Errorf("aclInfo (-want +got):\n%s", diff)
	}
	mentions(t, st.Result, "ben@example.com was granted workspace_reader", "cleo@example.com has workspace_reader already")
}

func aclRemoval(t *testing.T) {
	s := running(t, nil, withPeople)
	s.setAccess(wish{}, "COMPLETED", user("anna"), user("ben"))
	st := s.setAccess(wish{}, "COMPLETED", user("anna"))
	if diff := cmp.Diff(map[string]string{"anna": "workspace_reader"}, s.roles()); diff != "" {
		t.Errorf("roles without ben (-want +got):\n%s", diff)
	}
	mentions(t, st.Result, "ben@example.com lost workspace_reader")
	st = s.setAccess(wish{}, "COMPLETED")
	if diff := cmp.Diff(map[string]string{}, s.roles()); diff != "" {
		t.Errorf("roles after an empty list (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]granted{}, st.Info.ACLInfo); diff != "" {
		t.Errorf("aclInfo after an empty list (-want +got):\n%s", diff)
	}
}

func aclProtected(t *testing.T) {
	s := running(t, nil, withPeople)
	s.give("dora", "workspace_admin")
	s.give("cleo", "workspace_editor")
	byHand := map[string]string{"dora": "workspace_admin", "cleo": "workspace_editor"}
	// Named, then no longer named; and cleo never.
	s.setAccess(wish{}, "COMPLETED", user("dora"))
	if diff := cmp.Diff(byHand, s.roles()); diff != "" {
		t.Errorf("roles while dora is wanted (-want +got):\n%s", diff)
	}
	s.setAccess(wish{}, "COMPLETED")
	if diff := cmp.Diff(byHand, s.roles()); diff != "" {
		t.Errorf("roles after all was taken back (-want +got):\n%s", diff)
	}
}

func aclRepetition(t *testing.T) {
	s := running(t, nil, withPeople)
	s.setAccess(wish{}, "COMPLETED", user("anna"), user("ben"))
	before := s.lastCall()
	st := s.setAccess(wish{}, "COMPLETED", user("anna"), user("ben"))
	if grants := s.grants(before); len(grants) > 0 {
		t.Errorf("the same request again called %v", grants)
	}
	mentions(t, st.Result, "no changes")
}
