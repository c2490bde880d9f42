package operation

import (
	"encoding/json"
	"fmt"
	"strconv"
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
	first := min(max(keptLines-l.lines, 0), len(texts))
	if first > 0 {
		l.head += strings.Join(texts[:first], "\n") + "\n"
		l.lines += first
	}
	for _, text := range texts[first:] {
		l.lines++
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

// readLine reads a line. Those that encodeLine wrote are taken apart by hand:
// lines are the most of what a poll has to read, and json.Unmarshal takes ten
// times as long.
func readLine(text string) (line storedLine, ok bool) {
	if line, ok = scanLine(text); ok {
		return line, true
	}
	err := json.Unmarshal([]byte(text), &line)
	return line, err == nil
}

// scanLine reads what encodeLine wrote; ok is false for any other form.
func scanLine(text string) (line storedLine, ok bool) {
	digits, rest, ok := strings.Cut(strings.TrimPrefix(text, `{"t":`), `,"l":"`)
	if !ok {
		return line, false
	}
	var err error
	if line.Time, err = strconv.ParseInt(digits, 10, 64); err != nil {
		return line, false
	}
	level, rest, ok := strings.Cut(rest, `"`)
	if !ok {
		return line, false
	}
	phase := ""
	if after, phased := strings.CutPrefix(rest, `,"p":"`); phased {
		if phase, rest, ok = strings.Cut(after, `"`); !ok {
			return line, false
		}
	}
	message, ok := strings.CutPrefix(rest, `,"m":`)
	message, whole := strings.CutSuffix(message, "}")
	if !ok || !whole || !strings.HasPrefix(message, `"`) || strings.Contains(level+phase, `\`) {
		return line, false
	}
	line.Level, line.Phase = workload.Level(level), workload.Phase(phase)
	line.Message, ok = unquote(message)
	return line, ok && utf8.ValidString(line.Message)
}

// unquote reads a text as encoding/json writes it. What that escapes, Go's own
// syntax of strings has the same way; most texts have nothing to escape.
func unquote(quoted string) (text string, ok bool) {
	if inner := strings.TrimSuffix(quoted[1:], `"`); len(inner) == len(quoted)-2 && !strings.ContainsAny(inner, "\"\\\n") {
		return inner, true
	}
	text, err := strconv.Unquote(quoted)
	return text, err == nil
}

func parseLines(text string) []workload.LogLine {
	if text == "" {
		return nil
	}
	texts := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	lines := make([]workload.LogLine, 0, len(texts))
	for _, text := range texts {
		line, ok := readLine(text)
		if !ok {
			continue // only a newer version could have written it
		}
		lines = append(lines, workload.LogLine{
			Time: time.UnixMilli(line.Time).UTC(), Level: line.Level, Phase: line.Phase, Message: line.Message,
		})
	}
	return lines
}
