#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Two witnesses of one run: selftrace writes its own runtime/trace while gtrec records it from
# outside; they must agree on every goroutine, state, reason and duration. On three lines of Go,
# stripped and not.
# timeout: 900
. "$(dirname "$0")/../lib.sh"
need_bpf

go() { GOTOOLCHAIN=auto tests/scripts/go -C tests/oracle/compare "$@"; }
compare=$O/tests/oracle/compare
mkdir -p "$(dirname "$compare")"
go build -o "$compare" .

# The table in the documents is the one that is used.
"$compare" -table >"$T/table"
awk '/^\| Go tracer/ { on = 1 } on && !/^\|/ { on = 0 } on' docs/PROBES.md >"$T/documented"
diff "$T/table" "$T/documented" || fail "docs/PROBES.md, section Oracle, is not compare's table"

failed=0
for version in ${GT_ORACLE_GO:-1.26 1.23 1.21}; do
	for how in plain stripped; do
		option=()
		[ $how = plain ] || option=("$how")
		program=$(subject selftrace "$version" "${option[@]}")
		t=$T/$version-$how
		echo "== $(basename "$program")"
		"$GTREC" -q -o "$t.gtr" -- "$program" -d 2s -trace "$t.trace" -dump "$t.dump" >"$t.out"
		"$GTREPLAY" --json "$t.gtr" >"$t.json"
		"$compare" -dump "$t.dump" "$t.trace" "$t.json" || {
			failed=$((failed + 1))
			mkdir -p "$O/test-logs/oracle"
			cp "$t.gtr" "$t.trace" "$t.dump" "$O/test-logs/oracle/"
		}
	done
done
[ $failed = 0 ] || fail "$failed runs differ; their traces are in $O/test-logs/oracle"
