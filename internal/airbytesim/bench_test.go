package airbytesim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkSearch is one look-up by a digest among many entities, without a network.
func BenchmarkSearch(b *testing.B) {
	for name, n := range map[string]int{"5000": 5000, "100000": 100_000} {
		b.Run(name, func(b *testing.B) {
			sim, err := New(Options{})
			if err != nil {
				b.Fatal(err)
			}
			if err := sim.Fill(Filler{Sources: n}); err != nil {
				b.Fatal(err)
			}
			body := `{"workspaceId":"` + workspace + `","filters":{"searchTerm":"[wb-0123456789abcdef]"}}`
			api := sim.API()
			for b.Loop() {
				request := httptest.NewRequest(http.MethodPost, "/api/v1/sources/list", strings.NewReader(body))
				request.Header.Set("Content-Type", "application/json")
				answer := httptest.NewRecorder()
				api.ServeHTTP(answer, request)
				if answer.Code != http.StatusOK {
					b.Fatal(answer.Body)
				}
			}
		})
	}
}
