package monitoring

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// api answers asynqmon's API without the queues of others: of other installations
// and other products that share the Redis.
func (c *Console) api(w http.ResponseWriter, r *http.Request) {
	if name, one := queueIn(strings.TrimPrefix(r.URL.Path, c.path+"/api/")); one {
		if !c.queues[name] {
			http.Error(w, "This installation has no such queue.", http.StatusNotFound)
			return
		}
		c.asynqmon.ServeHTTP(w, r)
		return
	}
	answer := record(c.asynqmon, r)
	maps.Copy(w.Header(), answer.header)
	w.WriteHeader(answer.status)
	_, _ = w.Write(c.own(answer.body.Bytes())) // who went away needs no answer
}

// queueIn is the queue that a path of the API is about, if it is about one. What
// may be done to a queue follows its name after a colon, which asynq allows in names, too.
func queueIn(path string) (name string, one bool) {
	rest, one := strings.CutPrefix(path, "queues/")
	name, _, below := strings.Cut(rest, "/")
	if !below {
		name = strings.TrimSuffix(strings.TrimSuffix(name, ":pause"), ":resume")
	}
	return name, one
}

// own is an answer about all queues or servers, without those of others.
func (c *Console) own(answer []byte) []byte {
	var told map[string]any
	decoder := json.NewDecoder(bytes.NewReader(answer))
	decoder.UseNumber()
	if decoder.Decode(&told) != nil {
		return answer // the text of an error
	}
	for _, list := range []string{"queues", "queue_locations", "servers"} {
		if items, ok := told[list].([]any); ok {
			told[list] = slices.DeleteFunc(items, c.foreign)
		}
	}
	if stats, ok := told["stats"].(map[string]any); ok {
		maps.DeleteFunc(stats, func(name string, _ any) bool { return !c.queues[name] })
	}
	text, err := json.Marshal(told)
	if err != nil {
		return answer // what was read can be written
	}
	return text
}

// foreign reports whether an item is about a queue of others, or a server that
// serves only such.
func (c *Console) foreign(item any) bool {
	about, _ := item.(map[string]any)
	if name, ok := about["queue"].(string); ok {
		return !c.queues[name]
	}
	served, _ := about["queue_priorities"].(map[string]any)
	for name := range served {
		if c.queues[name] {
			return false
		}
	}
	return true
}
