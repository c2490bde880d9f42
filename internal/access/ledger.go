package access

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"airbyte-provisioner/internal/workload"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var lua embed.FS

//nolint:gochecknoglobals // read once from the binary, never changed
var (
	lockScript  = script("lock")
	holdScript  = script("hold")
	lookScript  = script("look")
	writeScript = script("write")
)

func script(name string) *redis.Script {
	text, err := lua.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // it is embedded
	}
	return redis.NewScript(string(text))
}

// state is where a grant stands; see the package's documentation.
type state string

const (
	granting state = "granting" // it was about to be made, raised or lowered
	granted  state = "granted"  // it was seen
	revoking state = "revoking" // it was about to be taken back
	invited  state = "invited"  // the user is to join Airbyte first
)

// grant is a role that this product gave a user in a workspace.
type grant struct {
	Version int    `json:"v"`
	State   state  `json:"state"`
	UserID  string `json:"userId,omitempty"` // a group's is the group's id; empty for who was invited
	Role    string `json:"role"`
	// From is the role of ours that is being replaced by Role; empty otherwise.
	From string `json:"from,omitempty"`
	// Base is the lower role that somebody else had given; it is given back.
	Base string `json:"base,omitempty"`
	// PermissionID is Airbyte's id of the grant; empty while its answer is awaited.
	PermissionID string `json:"permissionId,omitempty"`
	// At is when the state was reached.
	At time.Time `json:"at"`
}

// grantVersion is the version of grants that this program writes.
const grantVersion = 1

// entry is what the ledger knows of one user, from one component's view.
type entry struct {
	grant  *grant // nil when this product gave nothing
	mine   bool   // the component wants it
	others int    // so many other components want it
	other  string // one of them, for people
}

// ledger reads and writes what was granted in one workspace on behalf of one component.
type ledger struct {
	redis     redis.UniversalClient
	prefix    string // of all keys of this product
	workspace string
	component workload.Component
}

func (l ledger) key(kind, name string) string {
	return l.prefix + "{" + l.workspace + "}:access:" + kind + ":" + name
}

func (l ledger) wants() string { return l.key("wants", l.component.Digest()) }

// workspaces is the key of the set of workspaces in which the component wants anything.
func (l ledger) workspaces() string {
	digest := l.component.Digest()
	return l.prefix + "{" + digest[:2] + "}:access:" + digest
}

// member stands for the component among those who want a user. People can read it.
func (l ledger) member() string { return l.component.Digest() + " " + l.component.String() }

// mine are the users that the component wants, or still has to let go of.
func (l ledger) mine(ctx context.Context) ([]string, error) {
	users, err := l.redis.SMembers(ctx, l.wants()).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	slices.Sort(users)
	return users, nil
}

// look reads what is known of users.
func (l ledger) look(ctx context.Context, users []string) (map[string]entry, error) {
	entries := make(map[string]entry, len(users))
	if len(users) == 0 {
		return entries, nil
	}
	keys := make([]string, 0, 2*len(users))
	for _, user := range users {
		keys = append(keys, l.key("user", user), l.key("wanted", user))
	}
	rows, err := lookScript.Run(ctx, l.redis, keys, l.member()).Slice()
	if err != nil {
		return nil, unavailable(err)
	}
	for i, row := range rows {
		e, err := entryOf(row)
		if err != nil {
			return nil, fmt.Errorf("access: read the grant of %s: %w", users[i], err)
		}
		entries[users[i]] = e
	}
	return entries, nil
}

// entryOf reads one row of look's answer.
func entryOf(row any) (entry, error) {
	var e entry
	values, ok := row.([]any)
	if !ok || len(values) != 4 {
		return e, fmt.Errorf("an answer of an unknown form: %v", row)
	}
	text, _ := values[0].(string)
	mine, _ := values[1].(int64)
	others, _ := values[2].(int64)
	other, _ := values[3].(string)
	e.mine, e.others = mine == 1, int(others)
	_, e.other, _ = strings.Cut(other, " ")
	if text == "" {
		return e, nil
	}
	e.grant = &grant{}
	if err := json.Unmarshal([]byte(text), e.grant); err != nil {
		return e, err
	}
	if e.grant.Version > grantVersion {
		return e, workload.LeftToNewer("What is known of a user's access")
	}
	return e, nil
}

// enter notes that the component wants something in the workspace; it comes before any write.
func (l ledger) enter(ctx context.Context) error {
	if err := l.redis.SAdd(ctx, l.workspaces(), l.workspace).Err(); err != nil {
		return unavailable(err)
	}
	return nil
}

// leave is the reverse of enter, where the component wants nothing any more.
// Operations on one component come one after the other, so nothing comes in between.
func (l ledger) leave(ctx context.Context) error {
	left, err := l.redis.Exists(ctx, l.wants()).Result()
	if err == nil && left == 0 {
		err = l.redis.SRem(ctx, l.workspaces(), l.workspace).Err()
	}
	if err != nil {
		return unavailable(err)
	}
	return nil
}

// entered are the workspaces in which the component wants, or wanted, anything.
func (l ledger) entered(ctx context.Context) ([]string, error) {
	workspaces, err := l.redis.SMembers(ctx, l.workspaces()).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	slices.Sort(workspaces)
	return workspaces, nil
}
