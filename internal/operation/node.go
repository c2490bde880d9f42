package operation

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Lead reports whether the holder is the one who does a thing that only one is
// to do at a time, for a while from now.
func (s *Store) Lead(ctx context.Context, thing, holder string, ttl time.Duration) (bool, error) {
	leads, err := leadScript.Run(ctx, s.redis, []string{s.prefix + "leader:" + thing}, holder, ttl.Milliseconds()).Bool()
	if err != nil {
		return false, unavailable(err)
	}
	return leads, nil
}

//nolint:gochecknoglobals // never changed
var leadScript = redis.NewScript(`
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`)

//nolint:gochecknoglobals // never changed
var unbrokenScript = redis.NewScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local r = redis.call('HMGET', KEYS[1], 'node', 'since')
if r[1] == ARGV[1] then return r[2] end
-- The first node ever seen has nothing to have lost.
local since = r[1] and string.format('%d', now) or '0'
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'since', since)
return since
`)

// Unbroken returns since when one and the same Redis process has served the
// key; zero where no other is known. A restart or a failover may have lost
// what was written shortly before.
func (s *Store) Unbroken(ctx context.Context, key string) (time.Time, error) {
	node, err := s.node(ctx, key)
	if err != nil || node == "" {
		return time.Time{}, err
	}
	since, err := unbrokenScript.Run(ctx, s.redis, []string{s.prefix + "node:" + key}, node).Text()
	if err != nil {
		return time.Time{}, unavailable(err)
	}
	return millis(since), nil
}

// node identifies the Redis process that serves the key; empty where it does not tell.
func (s *Store) node(ctx context.Context, key string) (string, error) {
	at, err := s.nodeOf(ctx, key)
	if err != nil {
		return "", unavailable(err)
	}
	text, err := section(ctx, at, "server")
	if err != nil {
		return "", unavailable(err)
	}
	return infoField(text, "run_id"), nil
}

func infoField(text, name string) string {
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), name+":"); found {
			return value
		}
	}
	return ""
}

// Teach loads a script into every node, for scripts that are run in pipelines,
// which cannot fall back by themselves to sending the script's text.
func Teach(ctx context.Context, client redis.UniversalClient, script *redis.Script) error {
	if cluster, ok := client.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			return script.Load(ctx, node).Err()
		})
	}
	return script.Load(ctx, client).Err()
}

// Risks tells what in Redis's own settings endangers accepted operations, one
// sentence each, for the log at start. What a Redis does not tell is no risk found.
func (s *Store) Risks(ctx context.Context) ([]string, error) {
	var risks []string
	look := func(ctx context.Context, node redis.Cmdable) error {
		memory, err := section(ctx, node, "memory")
		if err != nil {
			return err
		}
		if policy := infoField(memory, "maxmemory_policy"); policy != "" && policy != "noeviction" {
			risks = append(risks, "Redis may evict accepted operations: its maxmemory-policy is "+policy+" and must be noeviction.")
		}
		persistence, err := section(ctx, node, "persistence")
		if err != nil {
			return err
		}
		if infoField(persistence, "aof_enabled") == "0" {
			risks = append(risks, "Redis loses accepted operations when it ends: appendonly is off. With appendonly yes and appendfsync always it loses none.")
		}
		replication, err := section(ctx, node, "replication")
		if err != nil {
			return err
		}
		follow := infoField(replication, "connected_slaves")
		switch {
		case s.opts.Replicas <= 0 && follow != "" && follow != "0":
			risks = append(risks, "A failover of Redis loses what it accepted last: it has replicas, and nobody waits for them. With REDIS_REPLICAS=1 a failover to one that has confirmed loses nothing.")
		case s.opts.Replicas > 0 && infoField(replication, "min_slaves_good_slaves") == "":
			risks = append(risks, "Redis accepts operations while no replica follows: min-replicas-to-write is 0. A failover in that time loses them in spite of REDIS_REPLICAS.")
		}
		return nil
	}
	var err error
	if cluster, ok := s.redis.(*redis.ClusterClient); ok {
		var mu sync.Mutex // the nodes are asked at the same time
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			return look(ctx, node)
		})
	} else {
		err = look(ctx, s.redis)
	}
	if err != nil {
		return nil, unavailable(err)
	}
	slices.Sort(risks)
	return slices.Compact(risks), nil
}

// section reads a section of a node's INFO; empty where the node does not know it.
func section(ctx context.Context, node redis.Cmdable, name string) (string, error) {
	text, err := node.Info(ctx, name).Result()
	if err != nil && redis.HasErrorPrefix(err, "section") { // the embedded Redis
		return "", nil
	}
	return text, err
}
