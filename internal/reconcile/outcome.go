package reconcile

import (
	"strings"
	"time"

	"airbyte-provisioner/internal/workload"
)

// outcome tells what was done, what is left to people, and what is there now.
func (s *session) outcome(d *draft, left []string) workload.Outcome {
	k := s.here()
	public := map[string]workload.PublicEntry{
		"connection":   s.link("Airbyte connection", d.wanted.connection.shape.Name, "connections", d.joined),
		"connectionId": {Type: "string", Label: "Airbyte connection id", Value: d.joined},
		"source":       s.link("Airbyte source", d.wanted.source.name, "source", d.source),
		"destination":  s.link("Airbyte destination", d.wanted.destination.name, "destination", d.destination),
	}
	entities := k.entities()
	entities.Fingerprints = map[string]string{}
	putPrints(entities.Fingerprints, Source, k.Source.Prints)
	putPrints(entities.Fingerprints, Destination, k.Destination.Prints)
	entities.Signature = s.keyed.signature(entities)
	private := map[string]any{
		"workspaceId": entities.WorkspaceID, "sourceId": entities.SourceID, "destinationId": entities.DestinationID,
		"connectionId": entities.ConnectionID, "fingerprints": entities.Fingerprints, "signature": entities.Signature,
	}
	if !k.Discovery.At.IsZero() {
		at := k.Discovery.At.Format(time.RFC3339)
		public["discoveredAt"] = workload.PublicEntry{Type: "date", Label: "Source schema last read", Value: at}
		private["discoveredAt"] = at
	}
	return workload.Outcome{Message: strings.Join(append([]string{s.message(k)}, left...), " "), Public: public, Private: private}
}

// link is an entity with its page in Airbyte.
func (s *session) link(label, name, kind, id string) workload.PublicEntry {
	e := workload.PublicEntry{Type: "string", Label: label, Value: name}
	if s.UIURL != "" {
		e.Type, e.Href = "link", s.UIURL+"/workspaces/"+s.workspace+"/"+kind+"/"+id
	}
	return e
}

// message says what the operation did, in one sentence or two.
func (s *session) message(k known) string {
	text := "There were no changes: everything in Airbyte is as the descriptor asks."
	if parts := k.Deeds.of(s.attempt.Token).told(); len(parts) > 0 {
		text = capital(parts)
	}
	if !k.Discovery.At.IsZero() {
		text += " The source's schema was last read at " + k.Discovery.At.Format(time.RFC3339) + "."
	}
	return text
}

// putPrints and getPrints carry fingerprints in privateInfo.
func putPrints(all map[string]string, e Entity, p Prints) {
	for name, value := range map[string]string{"Wanted": p.Wanted, "Read": p.Read, "Secrets": p.Secrets} {
		if value != "" {
			all[string(e)+name] = value
		}
	}
}

func getPrints(all map[string]string, e Entity) Prints {
	return Prints{Wanted: all[string(e)+"Wanted"], Read: all[string(e)+"Read"], Secrets: all[string(e)+"Secrets"]}
}
