package queue

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"airbyte-provisioner/internal/operation"
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

// encode returns the payload of an order, packed, and a hash that is equal for equal
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
	return operation.Pack(text), base64.RawStdEncoding.EncodeToString(sum[:]), nil
}

// decode reads a payload, packed or not.
func decode(short []byte) (workload.Order, error) {
	text, err := operation.Unpack(short)
	if errors.Is(err, operation.ErrNewer) {
		return workload.Order{}, errNewer
	}
	if err != nil {
		return workload.Order{}, fmt.Errorf("read the task's payload: %w", err)
	}
	var p struct {
		payload
		Work workload.Work `json:"work"` // instead of the raw one: one pass
	}
	err = json.Unmarshal(text, &p)
	if p.Version > payloadVersion || err != nil && version(text) > payloadVersion {
		return workload.Order{}, errNewer
	}
	if err != nil {
		return workload.Order{}, fmt.Errorf("read the task's payload: %w", err)
	}
	return workload.Order{Kind: p.Kind, TraceID: p.TraceID, Work: p.Work}, nil
}

// version is that of a payload of which nothing more can be read; 0 if not even that.
func version(text []byte) int {
	var p payload
	_ = json.Unmarshal(text, &p) // then it is 0
	return p.Version
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
