#!/usr/bin/env bash
# Runs the product in one process on a free port, provisions the example, shows the result, and stops it.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
bin/api -embedded -http-addr 127.0.0.1:0 >"$log" 2>&1 &
api=$!
trap 'kill "$api" 2>/dev/null; wait "$api" 2>/dev/null || true; rm -f "$log"' EXIT

server=
for _ in $(seq 200); do
  server=$(sed -n 's/.*"msg":"listening".*"addr":"\([^"]*\)".*/\1/p' "$log" | head -n 1)
  [ -n "$server" ] && break
  kill -0 "$api" 2>/dev/null || { cat "$log" >&2; exit 1; }
  sleep 0.05
done
[ -n "$server" ] || { echo "the embedded API did not start within ten seconds:" >&2; cat "$log" >&2; exit 1; }

echo "The whole product runs in one process at http://$server (nothing is kept)."
echo "Provisioning examples/descriptor.yaml:"
bin/provisionctl -server "http://$server" provision -f examples/descriptor.yaml
