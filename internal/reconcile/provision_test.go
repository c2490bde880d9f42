package reconcile

import (
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbytesim"
)

func TestProvisionTwiceThenUnprovision(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	outcome := b.provision(orders())
	t.Log(outcome.Message, "\n", b.log(), "\n", strings.Join(b.calls(), "\n"))
	b.one()
	outcome = b.provision(orders())
	t.Log(outcome.Message, "\n", b.log(), "\n", strings.Join(b.calls(), "\n"))
	if w := b.writes(); len(w) > 0 || len(b.calls()) > 5 {
		t.Errorf("an unchanged component led to %v", b.calls())
	}
	outcome = b.unprovision(orders())
	t.Log(outcome.Message, "\n", b.log(), "\n", strings.Join(b.calls(), "\n"))
	if l := b.live(); len(l.sources)+len(l.destinations)+len(l.connections) > 0 {
		t.Errorf("something is left: %+v", l)
	}
}
