package descriptor

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"airbyte-provisioner/internal/workload"
)

func (p *parser) cron(block *mapping, schedule *workload.Schedule) {
	expression, ok := p.text(block.at("cronExpression"), block.get("cronExpression"), `a Quartz cron expression, such as "0 0 3 * * ?"`)
	if ok {
		if err := checkCron(expression); err != nil {
			p.problem(block.at("cronExpression"), "%s", err.Error())
		}
	}
	zone, ok := p.text(block.at("cronTimeZone"), block.get("cronTimeZone"), "a time zone, such as UTC or Europe/Rome")
	if ok {
		if err := checkZone(zone); err != nil {
			p.problem(block.at("cronTimeZone"), "%s", err.Error())
		}
	}
	schedule.CronExpression, schedule.CronTimeZone = strings.Join(strings.Fields(expression), " "), zone
}

// checkZone accepts the zones that Airbyte does: it refuses those that start with Etc.
func checkZone(zone string) error {
	if strings.HasPrefix(zone, "Etc") {
		return fmt.Errorf("is %.60q, and Airbyte refuses zones that start with Etc; expected a zone such as UTC or Europe/Rome", zone)
	}
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
		return fmt.Errorf("is %.60q, which is no known time zone; expected a name such as UTC or Europe/Rome", zone)
	}
	return nil
}

// cronField is one position of a Quartz expression.
type cronField struct {
	name     string
	min, max int
	names    string // three-letter names, the first standing for min
	marks    string // special characters that this field alone may hold
}

var cronFields = []cronField{
	{name: "seconds", min: 0, max: 59},
	{name: "minutes", min: 0, max: 59},
	{name: "hours", min: 0, max: 23},
	{name: "day of month", min: 1, max: 31, marks: "?LW"},
	{name: "month", min: 1, max: 12, names: "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"},
	{name: "day of week", min: 1, max: 7, names: "SUN MON TUE WED THU FRI SAT", marks: "?L#"},
	{name: "year", min: 1970, max: 2199},
}

// checkCron checks a Quartz expression: six or seven fields, the days given by
// month or by week and the other one left open with ?.
func checkCron(expression string) error {
	fields := strings.Fields(strings.ToUpper(expression))
	if len(fields) != 6 && len(fields) != 7 {
		return fmt.Errorf("has %d fields; expected six or seven as Quartz has them: seconds, minutes, hours, day of month, month, day of week and perhaps year, such as \"0 0 3 * * ?\"", len(fields))
	}
	for i, text := range fields {
		for part := range strings.SplitSeq(text, ",") {
			if !cronFields[i].accepts(part, text) {
				return fmt.Errorf("has %.40q as its %s; expected %s", text, cronFields[i].name, cronFields[i].expects())
			}
		}
	}
	if (fields[3] == "?") == (fields[5] == "?") {
		return fmt.Errorf("has %.20q as its day of month and %.20q as its day of week; expected ? as exactly one of them, such as \"0 0 3 * * ?\"", fields[3], fields[5])
	}
	return nil
}

func (f cronField) expects() string {
	words := fmt.Sprintf("*, a number from %d to %d, a range, a list or a step such as */2", f.min, f.max)
	if f.names != "" {
		words += ", or names such as " + f.names[:3]
	}
	return words
}

// accepts reports whether one part of a field's list is well-formed.
func (f cronField) accepts(part, whole string) bool {
	if strings.Contains(f.marks, "?") && part == "?" {
		return whole == "?"
	}
	if f.special(part) {
		return true
	}
	base, step, stepped := strings.Cut(part, "/")
	if stepped {
		if n, err := strconv.Atoi(step); err != nil || n < 1 || n > f.max {
			return false
		}
	}
	if base == "*" || base == "" && stepped {
		return true
	}
	from, to, ranged := strings.Cut(base, "-")
	if !ranged {
		return f.value(from) >= 0
	}
	// A range may wrap around (FRI-MON), except in years.
	return f.value(from) >= 0 && f.value(to) >= 0 && (f.name != "year" || f.value(from) <= f.value(to))
}

// special are the last day (L, L-3, LW, FRIL), the nearest weekday (15W) and
// the nth weekday (MON#2).
func (f cronField) special(part string) bool {
	if strings.Contains(f.marks, "#") {
		if day, nth, ok := strings.Cut(part, "#"); ok {
			n, err := strconv.Atoi(nth)
			return err == nil && n >= 1 && n <= 5 && f.value(day) >= 0
		}
		day, last := strings.CutSuffix(part, "L")
		return last && (day == "" || f.value(day) >= 0)
	}
	if !strings.Contains(f.marks, "W") {
		return false
	}
	if part == "L" || part == "LW" {
		return true
	}
	if before, ok := strings.CutPrefix(part, "L-"); ok {
		n, err := strconv.Atoi(strings.TrimSuffix(before, "W"))
		return err == nil && n >= 0 && n <= 30
	}
	day, weekday := strings.CutSuffix(part, "W")
	return weekday && f.value(day) >= 0
}

// value is the number that a part stands for; -1 if it is out of bounds.
func (f cronField) value(text string) int {
	if f.names != "" && len(text) == 3 {
		if at := strings.Index(f.names, text); at >= 0 && at%4 == 0 {
			return f.min + at/4
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.min || n > f.max || text[0] == '+' {
		return -1
	}
	return n
}
