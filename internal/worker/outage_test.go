package worker

import (
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"airbyte-provisioner/internal/config"
)

// outlasts is how long all retries together wait: an outage of Airbyte that is
// shorter, and in which every call fails at once, fails no operation. random is
// that of backoff.
func outlasts(retries int, least, most time.Duration, random float64) time.Duration {
	var sum time.Duration
	for retry := 1; retry <= retries; retry++ {
		sum += backoff(retry, least, most, 0, random)
	}
	return sum
}

// TestDocumentedOutages holds docs/durability.md to what the back-off really does.
func TestDocumentedOutages(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/durability.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| (\d+) \| (\w+) \| (\w+) \| (\w+) \| (\w+) \|`)
	rows := row.FindAllStringSubmatch(string(text), -1)
	if len(rows) < 3 {
		t.Fatalf("docs/durability.md has %d rows about outages", len(rows))
	}
	defaults := map[string]string{}
	for _, s := range config.Table() {
		defaults[s.Name] = s.Default
	}
	if first := rows[0]; first[1] != defaults["TASK_MAX_RETRY"] || first[2] != defaults["RETRY_MIN_DELAY"] || first[3] != defaults["RETRY_MAX_DELAY"] {
		t.Errorf("the first row is %q, want the defaults %v", first[0], defaults)
	}
	for _, r := range rows {
		retries, err := strconv.Atoi(r[1])
		if err != nil {
			t.Fatal(err)
		}
		var d [4]time.Duration
		for i := range d {
			if d[i], err = time.ParseDuration(r[i+2]); err != nil {
				t.Fatalf("%s: %v", r[0], err)
			}
		}
		if got := outlasts(retries, d[0], d[1], 0).Truncate(time.Second); got != d[2] {
			t.Errorf("%s: the least is %s", r[0], got)
		}
		if got := outlasts(retries, d[0], d[1], 0.5).Truncate(time.Second); got != d[3] {
			t.Errorf("%s: the usual is %s", r[0], got)
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	const least, most = 2 * time.Second, 5 * time.Minute
	cases := []struct {
		name   string
		retry  int
		asked  time.Duration
		random float64
		want   time.Duration
	}{
		{"first", 1, 0, 0.5, 2 * time.Second},
		{"doubles", 4, 0, 0.5, 16 * time.Second},
		{"bounded", 20, 0, 0.5, most},
		{"a fifth less", 1, 0, 0, 1600 * time.Millisecond},
		{"a fifth more", 1, 0, 1, 2400 * time.Millisecond},
		{"asked for more", 1, time.Minute, 0.5, time.Minute},
		{"asked for less", 4, time.Second, 0.5, 16 * time.Second},
		{"asked for more than the bound", 1, time.Hour, 0.5, time.Hour},
	}
	for _, c := range cases {
		if got := backoff(c.retry, least, most, c.asked, c.random); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
