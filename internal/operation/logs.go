package operation

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"airbyte-provisioner/internal/workload"
)

// maxMessage bounds one log line, in bytes; with the script's bound on the
// number of lines it bounds a record.
const maxMessage = 1024

// storedLine is a log line as the record holds it: one JSON text a line.
type storedLine struct {
	Time    int64          `json:"t"` // milliseconds since 1970
	Level   workload.Level `json:"l"`
	Phase   workload.Phase `json:"p,omitempty"`
	Message string         `json:"m"`
}

func encodeLine(line workload.LogLine) string {
	text, err := json.Marshal(storedLine{
		Time: line.Time.UnixMilli(), Level: line.Level, Phase: line.Phase, Message: shorten(line.Message),
	})
	if err != nil {
		panic(err) // strings and a number can always be written
	}
	return string(text)
}

// lines are log lines on their way to the record.
type lines []workload.LogLine

func (ls lines) encode() []string {
	texts := make([]string, len(ls))
	for i, line := range ls {
		texts[i] = encodeLine(line)
	}
	return texts
}

// keptLines is how many lines from a log's start, and as many from its end, are kept.
const keptLines = 100

// storedLog is a log as the record holds it.
type storedLog struct {
	lines      int // that were ever written
	head, tail string
}

// append does what the scripts' append does.
func (l *storedLog) append(texts []string) {
	for _, text := range texts {
		l.lines++
		if l.lines <= keptLines {
			l.head += text + "\n"
			continue
		}
		l.tail += text + "\n"
		if l.lines > 2*keptLines {
			_, l.tail, _ = strings.Cut(l.tail, "\n")
		}
	}
}

// shorten cuts a message at the limit, never inside a character.
func shorten(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return clipped(message, maxMessage) + " (shortened)"
}

// clipped is at most so many bytes of a text, and whole characters.
func clipped(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// decodeLines reads the first and the last lines of a log of which lines were
// written, and says in their middle how many were left out.
func decodeLines(lines int, first, last string) []workload.LogLine {
	head, tail := parseLines(first), parseLines(last)
	if left := lines - len(head) - len(tail); left > 0 && len(head) > 0 {
		head = append(head, workload.LogLine{
			Time: head[len(head)-1].Time, Level: workload.Info,
			Message: fmt.Sprintf("(%d lines are left out here)", left),
		})
	}
	return append(head, tail...)
}

func parseLines(text string) []workload.LogLine {
	if text == "" {
		return nil
	}
	texts := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	lines := make([]workload.LogLine, 0, len(texts))
	for _, text := range texts {
		var line storedLine
		if json.Unmarshal([]byte(text), &line) != nil {
			continue // only a newer version could have written it
		}
		lines = append(lines, workload.LogLine{
			Time: time.UnixMilli(line.Time).UTC(), Level: line.Level, Phase: line.Phase, Message: line.Message,
		})
	}
	return lines
}
