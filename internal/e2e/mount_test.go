package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mount is a directory of secrets as Kubernetes mounts it: each file is a link by
// way of ..data, which is replaced when a secret changes.
type mount struct {
	t    *testing.T
	dir  string
	made int
}

// fill replaces all secrets at once.
func (m *mount) fill(secrets map[string]string) {
	m.t.Helper()
	m.made++
	version := "..version_" + strings.Repeat("I", m.made)
	if err := os.Mkdir(filepath.Join(m.dir, version), 0o700); err != nil {
		m.t.Fatal(err)
	}
	for name, value := range secrets {
		keepSecret(m.t, filepath.Join(m.dir, version), name, value)
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(m.dir, name)); err != nil && !os.IsExist(err) {
			m.t.Fatal(err)
		}
	}
	next := filepath.Join(m.dir, "..data_next")
	if err := os.Symlink(version, next); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(m.dir, "..data")); err != nil {
		m.t.Fatal(err)
	}
}

// TestMountedSecrets has them in a directory, for one domain, and changes one
// under the running worker.
func TestMountedSecrets(t *testing.T) {
	t.Parallel()
	m := &mount{t: t, dir: t.TempDir()}
	const odd = "first-" + secretMark + " ${secret:HR_DB}" // which is no reference
	m.fill(map[string]string{"ORDERS_DB": odd + "\n", "HR_DB": "hr-" + secretMark})
	rules := filepath.Join(t.TempDir(), "worker.yaml")
	if err := os.WriteFile(rules, []byte("secrets:\n  allow:\n    - {secrets: [ORDERS_*], domains: [finance]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStack(t, map[string]string{"SECRETS_DIR": m.dir})
	s.startAPI()
	s.program("worker", "-config", rules).awaitText(`"msg":"working"`)
	with := func(reference string) string {
		return wish{SourceSpec: strings.Replace(postgres, "${secret:REFERENCED}", reference, 1)}.descriptor()
	}

	for reference, want := range map[string]string{
		"${secret:HR_DB}":     `connectionConfiguration.password: The secret "HR_DB" may not be used by the data product "Orders" of the domain "finance".`,
		"${secret:ORDERS_DC}": `connectionConfiguration.password: The secret "ORDERS_DC" does not exist.`,
	} {
		if v := s.validate(with(reference)); v.Info == nil || v.Info.PublicInfo.Valid || !strings.Contains(v.problems(), want) {
			t.Errorf("%s: the verdict lacks %q:\n%s", reference, want, v.problems())
		}
		if st := s.awaitState(s.submit("provision", with(reference)), "FAILED"); !strings.Contains(st.Result, want) {
			t.Errorf("%s: the result lacks %q:\n%s", reference, want, st.Result)
		}
	}
	s.none()

	descriptor := with(`prefix ${secret:ORDERS_DB} suffix`)
	s.awaitState(s.submit("provision", descriptor), "COMPLETED")
	if got := s.one().sources[0].Configuration["password"]; got != "prefix "+odd+" suffix" {
		t.Errorf("Airbyte got the password %q", got)
	}
	m.fill(map[string]string{"ORDERS_DB": "second-" + secretMark})
	before := s.lastCall()
	s.awaitState(s.submit("provision", descriptor), "COMPLETED")
	if got := strings.Join(s.writes(before), " "); got != "sources/update" {
		t.Errorf("a changed secret led to %q, want one update of the source", got)
	}
	if got := s.one().sources[0].Configuration["password"]; got != "prefix second-"+secretMark+" suffix" {
		t.Errorf("Airbyte has the password %q", got)
	}
	before = s.lastCall()
	s.awaitState(s.submit("provision", descriptor), "COMPLETED")
	if writes := s.writes(before); len(writes) > 0 {
		t.Errorf("the same secret again led to %v", writes)
	}
	s.searchForSecrets(map[string]string{"Redis": s.dump()})
}
