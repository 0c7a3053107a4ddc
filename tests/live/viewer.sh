#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What gtexport writes for a busy HTTP server is right by the validator's rules, and is all
# there in a real viewer in a real browser. A picture stays in $O/test-logs/viewer.png.
# timeout: 300
. "$(dirname "$0")/../lib.sh"
need_bpf
need chromium chromedriver

"$GTREC" -q -o "$T/server.gtr" -- "$(subject server)" -d 500ms >"$T/facts"
jq -e 'select(.requests) | .requests > 50' "$T/facts" >/dev/null || fail "the server did nothing"
"$GTEXPORT" -f chrome -o "$T/server.json" "$T/server.gtr"

tests/scripts/chrome_validate.py --min slices=500 --min counters=10 --min flows=50 \
	--min threads=15 "$T/server.json"
mkdir -p "$O/test-logs"
tests/scripts/viewer.py --viewer "$(viewer_dir)" --png "$O/test-logs/viewer.png" \
	--json "$T/seen.json" --min threads=15 --min slices=500 --min flows=50 --min counters=10 \
	"$T/server.json"
[ -s "$O/test-logs/viewer.png" ] || fail "no picture"

# Rows are named for the goroutine and its entry function.
jq -e '[.threads[].name | select(test("net/http\\.\\(\\*conn\\)\\.serve.* G[0-9]+"))] | length > 0' \
	"$T/seen.json" >/dev/null || fail "no row of net/http.(*conn).serve"
