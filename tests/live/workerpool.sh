#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Three workers, five jobs: who made whom, where, and who waited for what and how often are known
# before, and a trace from the first instruction must say exactly that. On five lines of Go.
# timeout: 300
. "$(dirname "$0")/../lib.sh"
need_bpf

for version in local 1.24 1.23 1.21 1.20; do
	program=$(subject workerpool "$version")
	t=$T/$version
	"$GTREC" -q -o "$t.gtr" -- "$program" >"$t.facts"
	"$GTREPLAY" --json "$t.gtr" >"$t.steps"
	"$GTSTAT" goroutines --json "$t.gtr" >"$t.gor"
	"$GTREPLAY" --verify "$t.gtr" >"$t.verify" || fail "$version: $(cat "$t.verify")"
	python3 tests/live/workerpool.py "$t.facts" "$t.steps" "$t.gor" || fail "Go $version"
done
