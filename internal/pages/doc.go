// Package pages is what people see in a browser: the operations, newest first,
// to be searched and filtered, and each operation's own page with its steps, its
// plan, its log as it is written, and what came of it.
//
// The pages are made on the server and ask for nothing else: their one style
// sheet and their one script are within them. The script fetches the page again
// and puts in what has changed; without it the browser loads the page again.
// Links are relative, so that the pages work behind a proxy that adds a prefix.
//
// The package imports workload and operation.
package pages
