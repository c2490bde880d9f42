package airbytesim

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the server knows every zone, also where this machine does not
)

// scheduleNew reads the schedule of connections/create: data without a type
// silently becomes manual (trap 7); the legacy field still works here.
func (s *Sim) scheduleNew(c *Connection, body map[string]any) error {
	legacy, _ := body["schedule"].(map[string]any)
	if body["scheduleType"] == nil {
		if legacy != nil {
			c.ScheduleType, c.ScheduleData = "basic", map[string]any{"basicSchedule": legacy}
		}
		return nil
	}
	if legacy != nil {
		return unprocessable("both schedule and scheduleType are given")
	}
	return s.schedule(c, body)
}

// reschedule reads the schedule of connections/update, which stumbles over every
// combination that makes no sense (trap 7).
func (s *Sim) reschedule(c *Connection, body map[string]any) error {
	kind, data := body["scheduleType"], body["scheduleData"]
	switch {
	case body["schedule"] != nil:
		return opaque("the legacy schedule came with an update")
	case kind == nil && data != nil:
		return opaque("scheduleData came without a scheduleType")
	case kind == "manual" && data != nil:
		return opaque("a manual schedule came with scheduleData")
	case kind != nil && kind != "manual" && data == nil:
		return opaque("a %s schedule came without scheduleData", kind)
	case kind == nil:
		return nil
	}
	return s.schedule(c, body)
}

func (s *Sim) schedule(c *Connection, body map[string]any) error {
	kind, _ := body["scheduleType"].(string)
	data, _ := body["scheduleData"].(map[string]any)
	if kind == "manual" {
		c.ScheduleType, c.ScheduleData = kind, nil
		return nil
	}
	if data == nil {
		return unprocessable("scheduleType is given without scheduleData")
	}
	field := map[string]string{"basic": "basicSchedule", "cron": "cron"}[kind]
	part, _ := data[field].(map[string]any)
	if part == nil {
		return unprocessable("a %s schedule needs scheduleData.%s", kind, field)
	}
	check := s.validBasic
	if kind == "cron" {
		check = s.validCron
	}
	if err := check(part); err != nil {
		return err
	}
	c.ScheduleType, c.ScheduleData = kind, map[string]any{field: part}
	return nil
}

// validBasic refuses less than an hour unless entitled, as for cron.
func (s *Sim) validBasic(basic map[string]any) error {
	if !s.behavior.SubHourly && basic["timeUnit"] == "minutes" && number(basic["units"], 0) < 60 {
		return typed(http.StatusBadRequest, "error:basic-schedule-validation/under-one-hour-not-allowed",
			"Invalid basic schedule", "The schedule fires more often than hourly", basic)
	}
	return nil
}

func (s *Sim) validCron(cron map[string]any) error {
	expression, _ := cron["cronExpression"].(string)
	zone, _ := cron["cronTimeZone"].(string)
	refuse := func(kind, detail string) error {
		return typed(http.StatusBadRequest, "error:cron-validation/"+kind, "Invalid cron", detail,
			map[string]any{"cronExpression": expression, "cronTimezone": zone})
	}
	parsed, ok := parseQuartz(expression)
	if !ok {
		return refuse("invalid-expression", "The cron expression is not a valid Quartz expression")
	}
	if !s.behavior.SubHourly && parsed.underAnHour() {
		return refuse("under-one-hour-not-allowed", "The expression fires more often than hourly")
	}
	if strings.HasPrefix(strings.ToLower(zone), "etc") {
		return refuse("invalid-timezone", "Zones that start with Etc are not allowed")
	}
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		return refuse("invalid-timezone", "The zone is not known")
	}
	return nil
}

// quartz is as much of a Quartz expression as its frequency depends on.
type quartz struct{ seconds, minutes int } // how many of each it fires at

// underAnHour says whether two firings can be less than an hour apart: not when
// there is one second of one minute, whatever the hours and days are.
func (q quartz) underAnHour() bool { return q.seconds*q.minutes > 1 }

// quartzField is the range of one field, and the names that stand for numbers.
type quartzField struct {
	low, high int
	names     []string
	special   string // further characters that are allowed
}

var quartzFields = []quartzField{
	{low: 0, high: 59},
	{low: 0, high: 59},
	{low: 0, high: 23},
	{low: 1, high: 31, special: "LW"},
	{low: 1, high: 12, names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
	{low: 1, high: 7, names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}, special: "L#"},
	{low: 1970, high: 2099},
}

// parseQuartz reads six or seven fields, of which exactly one of day-of-month
// and day-of-week is "?".
func parseQuartz(expression string) (quartz, bool) {
	parts := strings.Fields(strings.ToUpper(expression))
	if len(parts) != 6 && len(parts) != 7 {
		return quartz{}, false
	}
	const dayOfMonth, dayOfWeek = 3, 5
	if (parts[dayOfMonth] == "?") == (parts[dayOfWeek] == "?") {
		return quartz{}, false
	}
	sizes := make([]int, len(parts))
	for i, part := range parts {
		if part == "?" && (i == dayOfMonth || i == dayOfWeek) {
			continue
		}
		size, ok := quartzFields[i].size(part)
		if !ok {
			return quartz{}, false
		}
		sizes[i] = size
	}
	return quartz{seconds: sizes[0], minutes: sizes[1]}, true
}

// size is how many values a field stands for.
func (f quartzField) size(text string) (int, bool) {
	values := map[int]bool{}
	for _, item := range strings.Split(text, ",") {
		if f.peculiar(item) {
			values[-len(values)-1] = true // a day that moves, such as the last one
			continue
		}
		low, high, step, ok := f.span(item)
		if !ok {
			return 0, false
		}
		for v := low; v <= high; v += step {
			values[v] = true
		}
	}
	return len(values), true
}

// peculiar recognizes L, LW, 15W, L-3, 6L and 6#3 where they are allowed.
func (f quartzField) peculiar(item string) bool {
	if f.special == "" || !strings.ContainsAny(item, f.special) || item == "JUL" {
		return false
	}
	if strings.Contains(f.special, "W") {
		if item == "L" || item == "LW" {
			return true
		}
		if offset, ok := strings.CutPrefix(item, "L-"); ok {
			n, err := strconv.Atoi(offset)
			return err == nil && n >= 0 && n <= 30
		}
		_, ok := f.value(strings.TrimSuffix(item, "W"))
		return ok && strings.HasSuffix(item, "W")
	}
	if day, nth, ok := strings.Cut(item, "#"); ok {
		_, known := f.value(day)
		n, err := strconv.Atoi(nth)
		return known && err == nil && n >= 1 && n <= 5
	}
	_, ok := f.value(strings.TrimSuffix(item, "L"))
	return item == "L" || ok && strings.HasSuffix(item, "L")
}

// span reads *, a number, a range, each with a step or without.
func (f quartzField) span(item string) (low, high, step int, ok bool) {
	base, every, stepped := strings.Cut(item, "/")
	step = 1
	if stepped {
		n, err := strconv.Atoi(every)
		if err != nil || n < 1 || n > f.high {
			return 0, 0, 0, false
		}
		step = n
	}
	first, last, ranged := strings.Cut(base, "-")
	switch {
	case base == "*" || base == "" && stepped:
		return f.low, f.high, step, true
	case ranged:
		var okay bool
		low, ok = f.value(first)
		high, okay = f.value(last)
		return low, high, step, ok && okay && low <= high
	}
	low, ok = f.value(base)
	high = low
	if stepped {
		high = f.high
	}
	return low, high, step, ok
}

func (f quartzField) value(text string) (int, bool) {
	for i, name := range f.names {
		if name == text {
			return f.low + i, true
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= f.low && n <= f.high
}
