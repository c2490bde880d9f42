package e2e

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"airbyte-provisioner/internal/e2e/mutants"
)

var updateChecklist = flag.Bool("update", false, "rewrite docs/checklist.md from this run of TestChecklist")

// row is one line of the vendor's checklist for a good adapter.
type row struct {
	name  string
	shown string // what its test shows, for docs/checklist.md
	test  func(*testing.T)
	// more are further tests of the same promise, as "package TestName".
	more []string
}

// rows are the vendor's checklist, in its order.
func rows() []row {
	return []row{
		{"validate success", "a good descriptor is valid at once, and against Airbyte with the plan in the log; nothing changes", validateSuccess, []string{"e2e TestValidateAgainstAirbyte", "httpapi TestValidate"}},
		{"validate failure", "everything that is wrong is told at once, each with its path; a check that cannot run is FAILED and not invalid", validateFailure, []string{"e2e TestValidateTellsEverything", "e2e TestValidateThatCannotRun", "validation TestWhoseFaultItIs"}},
		{"provision success", "COMPLETED with a source, a destination and a connection that joins them, their names, ids and links", provisionSuccess, []string{"e2e TestWholePath", "e2e TestReverseThenProvision", "reconcile TestConverges"}},
		{"provision failure", "a bad descriptor is refused before anything is queued; a permanent failure is FAILED at the first attempt", provisionFailure, []string{"e2e TestBadDescriptors", "e2e TestRetryClasses", "reconcile TestFailuresExplain"}},
		{"unprovision keeping data", "removeData false deletes the entities and clears no data", unprovisionKeepingData, []string{"reconcile TestUnprovision"}},
		{"unprovision removing data", "removeData true has Airbyte clear the data before anything is deleted", unprovisionRemovingData, []string{"reconcile TestUnprovision", "reconcile TestFailedClearDeletesNothing"}},
		{"reverse provisioning success", "the updates hold source, destination, connection, streams, schedule and what to take over", reverseSuccess, []string{"reverse TestUpdates", "e2e TestReverseThenProvision"}},
		{"reverse provisioning failure", "FAILED with the most similar connections as candidates", reverseFailure, []string{"reverse TestAmbiguousOrMissing", "reverse TestFailures"}},
		{"reverse provisioning ambiguous match", "FAILED with every connection that is meant, by name and id", reverseAmbiguous, []string{"reverse TestAmbiguousOrMissing", "reverse TestCandidatesAreBounded"}},
		{"reverse provisioning no mutation", "only calls that read", reverseNoMutation, []string{"reverse TestUpdates"}},
		{"reverse provisioning no secrets", "place-holders for marked secrets, masks and passwords within URLs", reverseNoSecrets, []string{"reverse TestHide", "reverse TestSecretFields"}},
		{"async acceptance to terminal status", "202 with a token, RUNNING, then a terminal status that never changes", asyncAcceptance, []string{"worker TestHowAttemptsEnd", "operation TestRandomEventsFollowTheModel"}},
		{"unknown token", "400 for a token that is none, that nobody was given, and that belongs to another route", unknownToken, []string{"httpapi TestStatusAndTerminationOfUnknownTokens", "httpapi TestTokenAtAnotherRoute"}},
		{"expired token", "400 once STATUS_TTL has passed, and not before", expiredToken, nil},
		{"duplicate requests", "a repeated request gets the token of the unfinished one; repeated later it writes nothing", duplicateRequests, []string{"worker TestARepeatAnswersTheSameToken", "reconcile TestProvisionTwiceThenUnprovision"}},
		{"concurrent requests", "operations on one component run one after the other, in the order of their acceptance", concurrentRequests, []string{"worker TestOrderHoldsWithManySubmittersAndWorkers", "e2e TestEqualNames"}},
		{"retry exhaustion", "FAILED after exactly TASK_MAX_RETRY further attempts, with what failed last", retryExhaustion, []string{"e2e TestRetriesEnd", "worker TestHowAttemptsEnd"}},
		{"partial failure and recovery", "the next request goes on from what exists; a call whose answer was lost is not repeated", partialFailure, []string{"reconcile TestEveryCallLost", "reconcile TestCrashAtEveryRecord"}},
		{"restart", "API and worker are killed in the middle; the token lives on and another worker finishes", restart, []string{"e2e TestWorkerKilledAtEachStep", "e2e TestUnprovisionKilledAtEachStep", "worker TestRedisMayBeKilledAtAnyTime"}},
		{"several replicas", "each API answers for every token and knows a request that another one took; workers share the work", severalReplicas, []string{"worker TestOrderHoldsWithManySubmittersAndWorkers"}},
		{"ACL as a full snapshot", "exactly those named have access, and aclInfo tells who", aclSnapshot, []string{"access TestFullSnapshot", "access TestAirbyteGroups", "e2e TestAccessOfPrincipals"}},
		{"ACL with removal", "who is no longer named loses what was granted; an empty list takes all of it back", aclRemoval, []string{"access TestFullSnapshot", "access TestInvitationIsNoLongerWanted", "e2e TestAccessEndsWithTheComponent"}},
		{"ACL protected grants", "what an administrator gave stays as it is", aclProtected, []string{"access TestProtectedGrants", "access TestHandEdits", "access TestHandEditsOfGroups", "access TestComponentsShareAGrant"}},
		{"ACL repetition", "the same request again changes nothing", aclRepetition, []string{"access TestRepetitionChangesNothing", "access TestCrashes"}},
		{"correlation from request to log", "one traceId through answer, both logs, errors and the calls to Airbyte", correlation, []string{"httpapi TestTraceID", "httpapi TestErrorsNameTraceID"}},
		{"failures that tell people what to do", "every 400, 500 and FAILED says what is wrong, where, and what to do", failuresThatTell, []string{"httpapi TestSystemErrorHasIDInLog", "reconcile TestFailuresExplain", "mishap TestOf", "e2e TestAccessThatCannotBeGiven"}},
		{"redaction of secrets", "no marked secret in any answer, log, task, record or metric, though Airbyte repeats it", redaction, []string{"e2e TestNoSecretLeaks", "reconcile TestSecretsStayInside", "airbyte TestConcealed"}},
	}
}

// TestChecklist shows each row of the vendor's checklist, one test a row, through the real programs.
func TestChecklist(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	passed := map[string]bool{}
	all := rows()
	for _, r := range all {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() {
				mu.Lock()
				defer mu.Unlock()
				passed[r.name] = !t.Failed() && !t.Skipped()
			})
			r.test(t)
		})
	}
	t.Cleanup(func() { // after the last row
		if len(passed) < len(all) || t.Failed() {
			return // not all of them ran, or not well: that is no run to document
		}
		document(t, all, passed)
	})
}

// document holds docs/checklist.md against the run, or writes it.
func document(t *testing.T, all []row, passed map[string]bool) {
	t.Helper()
	const file = "../../docs/checklist.md"
	var b strings.Builder
	b.WriteString("# The vendor's checklist\n\n" +
		"What Witboost's vendor asks evidence for. Made from a run of `go test ./internal/e2e -run TestChecklist -update`, which starts the real\n" +
		"programs, a redis-server and the simulated Airbyte for each row; do not edit. `make mutants` breaks the product once for each row, as the\n" +
		"fourth column says, and shows that the row's test fails.\n\n" +
		"| row | result | what its test shows | a break that it notices | test | further tests |\n|---|---|---|---|---|---|\n")
	for _, r := range all {
		result := "failed"
		if passed[r.name] {
			result = "passed"
		}
		mutant, err := mutants.For(r.name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", r.name, result, r.shown, mutant.Breaks, link(t, r.test), strings.Join(links(t, r.more), ", "))
	}
	if *updateChecklist {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != b.String() {
		t.Error("docs/checklist.md is not what this run shows: run go test ./internal/e2e -run TestChecklist -update")
	}
}

// link leads to the test of a row.
func link(t *testing.T, test func(*testing.T)) string {
	t.Helper()
	f := runtime.FuncForPC(reflect.ValueOf(test).Pointer())
	file, _ := f.FileLine(f.Entry())
	name := f.Name()[strings.LastIndex(f.Name(), ".")+1:]
	return fmt.Sprintf("[%s](../internal/e2e/%s)", name, filepath.Base(file))
}

// links lead to further tests, which must be there.
func links(t *testing.T, more []string) []string {
	t.Helper()
	var all []string
	for _, each := range more {
		room, name, _ := strings.Cut(each, " ")
		files, err := filepath.Glob("../" + room + "/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		found := ""
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "\nfunc "+name+"(t *testing.T)") {
				found = file
			}
		}
		if found == "" {
			t.Errorf("the checklist names %s, which is not in internal/%s", name, room)
			continue
		}
		all = append(all, fmt.Sprintf("[%s](../internal/%s/%s)", name, room, filepath.Base(found)))
	}
	return all
}

// TestMutantsFit sees that there is one break of the product for each row, and
// that the source still has the text that it changes; make mutants makes them.
func TestMutantsFit(t *testing.T) {
	t.Parallel()
	all := rows()
	if n := len(mutants.All()); n != len(all) {
		t.Errorf("there are %d mutants for %d rows", n, len(all))
	}
	for _, r := range all {
		mutant, err := mutants.For(r.name)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := mutant.Sources("../.."); err != nil {
			t.Error(err)
		}
	}
}
