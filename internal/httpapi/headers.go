package httpapi

import "net/http"

// These slices are shared by all answers: nobody may write into them, and
// Header.Add on a slice without spare room copies.
var (
	nosniff    = []string{"nosniff"}
	noStore    = []string{"no-store"}
	noReferrer = []string{"no-referrer"}
	deny       = []string{"DENY"}
	noContent  = []string{"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"}
	oneYear    = []string{"max-age=31536000"}
)

// secure sets the headers that keep a browser from doing more with an answer
// than showing it. Mounted handlers with scripts or styles of their own replace
// Content-Security-Policy.
func secure(h http.Header, tls bool) {
	h["X-Content-Type-Options"] = nosniff
	h["Cache-Control"] = noStore
	h["Referrer-Policy"] = noReferrer
	h["X-Frame-Options"] = deny
	h["Content-Security-Policy"] = noContent
	if tls {
		h["Strict-Transport-Security"] = oneYear
	}
}
