package mutants

// All are the mutants, in the order of the checklist.
//
//nolint:funlen // one list
func All() []Mutant {
	one := func(row, breaks, file, before, after string) Mutant {
		return Mutant{Row: row, Breaks: breaks, Edits: []Edit{{File: file, Old: before, New: after}}}
	}
	return []Mutant{
		one("validate success", "a valid descriptor is said to be invalid",
			"internal/validation/validation.go", "&workload.Validation{Valid: true}", "&workload.Validation{Valid: false}"),
		one("validate failure", "what Airbyte tells of a descriptor is not taken down",
			"internal/validation/findings.go", "if !slices.Contains(v.problems, problem) {", "if slices.Contains(v.problems, problem) {"),
		one("provision success", "people get no links into Airbyte",
			"internal/reconcile/outcome.go", `if s.UIURL != "" {`, `if s.UIURL == "" {`),
		one("provision failure", "a check that failed for good is tried again",
			"internal/airbyte/job.go", "return reason.failure(operation, string(w.Message), false)", "return reason.failure(operation, string(w.Message), true)"),
		one("unprovision keeping data", "the data is always cleared",
			"internal/reconcile/unprovision.go", "if s.work.RemoveData {\n\t\tif err := s.clearAll", "if true {\n\t\tif err := s.clearAll"),
		one("unprovision removing data", "the data is never cleared",
			"internal/reconcile/unprovision.go", "if s.work.RemoveData {\n\t\tif err := s.clearAll", "if false {\n\t\tif err := s.clearAll"),
		one("reverse provisioning success", "the connection is not said to be taken over",
			"internal/reverse/updates.go", `u.set("adopt.connectionId", c.ID)`, ""),
		one("reverse provisioning failure", "a failure names no candidates",
			"internal/reverse/find.go", "candidates = similar(all, asked)", "candidates = nil"),
		one("reverse provisioning ambiguous match", "of several connections the first is taken",
			"internal/reverse/find.go", "if len(found) == 1 {", "if len(found) >= 1 {"),
		one("reverse provisioning no mutation", "the connection that is read is also written",
			"internal/reverse/reverse.go", "if c.Deleted() {", "if _, err := s.airbyte.UpdateConnection(ctx, airbyte.ConnectionUpdate{ID: c.ID}); err != nil || c.Deleted() {"),
		one("reverse provisioning no secrets", "a password within a URL is answered",
			"internal/reverse/secrets.go", `if value != "" && (secret || airbyte.IsMask(value) || reveals(value)) {`, `if value != "" && (secret || airbyte.IsMask(value)) {`),
		one("async acceptance to terminal status", "a finished operation can still be terminated",
			"internal/operation/lua/terminate.lua", "if finished(r[1]) then", "if false then"),
		one("unknown token", "a token that is none is a fault of the server",
			"internal/httpapi/operations.go", "Code: workload.CodeUnknownToken, Phase: workload.PhaseAccept,", "Code: workload.CodeInternal, Phase: workload.PhaseAccept,"),
		one("expired token", "STATUS_TTL is ignored",
			"internal/app/base.go", "StatusTTL: cfg.Queue.StatusTTL,", "StatusTTL: 24 * time.Hour,"),
		one("duplicate requests", "the connection is written although nothing changed",
			"internal/reconcile/decide.go", "if len(changes) > 0 {", "if len(changes) >= 0 {"),
		one("concurrent requests", "the last request on a component goes first",
			"internal/operation/lua/accept.lua", "redis.call('RPUSH', line, token)", "redis.call('LPUSH', line, token)"),
		one("retry exhaustion", "there is one attempt more than TASK_MAX_RETRY allows",
			"internal/worker/settle.go", "if failed > a.opts.MaxRetry {", "if failed > a.opts.MaxRetry+min(1, a.opts.MaxRetry) {"),
		one("partial failure and recovery", "what a call made whose answer was lost is not found",
			"internal/reconcile/observe.go", "if ownerOf(a.Name) != s.digest {", `if ownerOf(a.Name) != s.digest || kind == airbyte.Source && s.here().entities().SourceID == "" {`),
		one("restart", "nobody looks after the work of a dead worker",
			"internal/app/worker.go", "sweeper.Run(ctx) // until ctx ends", "_ = sweeper\n\t<-ctx.Done()"),
		{Row: "several replicas", Breaks: "an API knows only the requests that it took itself", Edits: []Edit{
			{"internal/queue/payload.go", `"fmt"` + "\n", `"fmt"` + "\n\t" + `"os"` + "\n"},
			{"internal/queue/payload.go", `[]byte(order.Kind+"\n")`, `[]byte(string(order.Kind)+strconv.Itoa(os.Getpid())+"\n")`},
		}},
		one("ACL as a full snapshot", "nobody is told who has access",
			"internal/access/report.go", "out.Access = append(out.Access, *given)", "_ = given"),
		one("ACL with removal", "who is no longer wanted keeps what was granted",
			"internal/access/plan.go", "s.deed, s.effect = remove, effectRevoked", "s.deed, s.effect = nothing, effectRevoked"),
		one("ACL protected grants", "a higher role that somebody else gave does not count",
			"internal/access/roles.go", "return has != \"\" && (has == wanted || slices.Contains(includes[has], wanted))", "return has != \"\" && (has == wanted || slices.Contains(includes[has], \"\"))"),
		one("ACL repetition", "a role that is there is given again",
			"internal/access/plan.go", "case mine && seen.workspace.Type == role:", `case mine && seen.workspace.Type == "":`),
		one("correlation from request to log", "Airbyte is not told the trace id",
			"internal/app/performers.go", `header.Set("Traceid", attempt.TraceID)`, `header.Set("Traceid", "")`),
		one("failures that tell people what to do", "a result says what is wrong but not what to do",
			"internal/workload/failure.go", "for _, s := range f.Solutions {", "for _, s := range f.Solutions[:0] {"),
		one("redaction of secrets", "what Airbyte repeats is passed on as it is",
			"internal/airbyte/concealed.go", "message = strings.ReplaceAll(message, text, \"***\")", "message = strings.ReplaceAll(message, text, text)"),
	}
}
