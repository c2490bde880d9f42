package queue

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"airbyte-provisioner/internal/workload"
)

// payloadVersion is the newest version of payloads that this program
// understands. A field that older workers may ignore does not raise it.
const payloadVersion = 1

// payload is what a task carries: the parsed work. It holds no secret, only
// names of secrets (see workload.Work).
type payload struct {
	Version int             `json:"v"`
	Kind    workload.Kind   `json:"kind"`
	TraceID string          `json:"traceId,omitempty"`
	Work    json.RawMessage `json:"work,omitempty"`
}

// errNewer says that only a newer worker understands the payload.
var errNewer = errors.New("the task is of a newer version than this worker")

// encode returns the payload of an order and a hash that is equal for equal
// kind and work: encoding/json writes maps in the order of their keys.
func encode(order workload.Order) (text []byte, hash string, err error) {
	work, err := json.Marshal(order.Work)
	if err != nil {
		return nil, "", fmt.Errorf("write the task's payload: %w", err)
	}
	// The work is put in as it is: json.Marshal would read all of it once more.
	text, err = json.Marshal(payload{Version: payloadVersion, Kind: order.Kind, TraceID: order.TraceID})
	if err != nil {
		return nil, "", fmt.Errorf("write the task's payload: %w", err)
	}
	text = append(text[:len(text)-1], `,"work":`...)
	text = append(append(text, work...), '}')
	sum := sha256.Sum256(append([]byte(order.Kind+"\n"), work...))
	return text, base64.RawStdEncoding.EncodeToString(sum[:]), nil
}

func decode(text []byte) (workload.Order, error) {
	var p payload
	if err := json.Unmarshal(text, &p); err != nil {
		return workload.Order{}, fmt.Errorf("read the task's payload: %w", err)
	}
	if p.Version > payloadVersion {
		return workload.Order{}, errNewer
	}
	order := workload.Order{Kind: p.Kind, TraceID: p.TraceID}
	if err := json.Unmarshal(p.Work, &order.Work); err != nil {
		return workload.Order{}, fmt.Errorf("read the task's work: %w", err)
	}
	return order, nil
}

// taskID is the id of an operation's task: the token, and the number of the
// task where it had to be started anew.
func taskID(token string, number int) string {
	if number == 0 {
		return token
	}
	return token + "." + strconv.Itoa(number)
}

// parseTaskID is the reverse of taskID. What is no id of ours has the whole text as its token.
func parseTaskID(id string) (token string, number int) {
	token, digits, found := strings.Cut(id, ".")
	if !found {
		return id, 0
	}
	number, err := strconv.Atoi(digits)
	if err != nil {
		return id, 0
	}
	return token, number
}

// The queues, before the installation's prefix.
const (
	provisionQueue   = "provision"
	unprovisionQueue = "unprovision"
	accessQueue      = "access"
	validateQueue    = "validate"
)

// queueOf is the queue of a kind, before the installation's prefix.
func queueOf(kind workload.Kind) string {
	switch kind {
	case workload.Provision:
		return provisionQueue
	case workload.Unprovision:
		return unprovisionQueue
	case workload.UpdateACL:
		return accessQueue
	default:
		return validateQueue
	}
}

// Queues are the names of all queues, before the installation's prefix.
func Queues() []string {
	return []string{provisionQueue, unprovisionQueue, accessQueue, validateQueue}
}
