#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The Chrome JSON of random histories passes the strict validator: nesting to the nanosecond,
# both ends of every arrow, ids, times; also with losses, missing events and equal times.
. "$(dirname "$0")/../lib.sh"
sample=$O/tests/sample validate=tests/scripts/chrome_validate.py

for seed in 1 2 3 4; do
	"$sample" random $seed 12000 "$T/r.gtr"
	case $((seed % 4)) in
	0) args=(--top 0) ;;
	1) args=(--top 20 --by cpu) ;;
	2) args=(--from 200us --to 1ms --top 0 --flows=all) ;;
	3) args=(--state 'waiting,running' --by m --flows=none) ;;
	esac
	"$GTEXPORT" -q "${args[@]}" -o "$T/r.json" "$T/r.gtr" || fail "seed $seed: exit $?"
	"$validate" --min slices=100 "$T/r.json" >"$T/out" || {
		cat "$T/out"
		fail "seed $seed ${args[*]}: the validator found faults"
	}
done

# The pool to the letter: 4 goroutines, 10 waits for a processor, 9 of them by a goroutine.
"$sample" pool "$T/pool.gtr"
"$GTEXPORT" -o "$T/pool.json" "$T/pool.gtr" 2>"$T/err"
grep -q "wrote $T/pool.json, .*: 4 goroutines, 9 arrows" "$T/err" || fail "$(cat "$T/err")"
count() { jq "[.[] | select($1)] | length" "$T/pool.json"; }
eq "runnable slices" "$(count '.ph=="X" and .pid==3 and .name=="runnable"')" 10
eq "running slices" "$(count '.ph=="X" and .pid==3 and .name=="running"')" 11
eq "chan receive" "$(count '.ph=="X" and .name=="chan receive"')" 4
eq "nested syscalls" "$(count '.pid==2 and .name=="syscall"')" 1
eq "exits" "$(count '.ph=="i" and .name=="exit"')" 3
eq "processors" "$(jq -r '[.[] | select(.name=="thread_name" and .pid==2).args.name] | sort | join(" ")' "$T/pool.json")" "P0 P1 P2 P3"
eq "process" "$(jq -r '[.[] | select(.name=="process_name").args.name] | join(", ")' "$T/pool.json")" \
	"app 4242: overview, app 4242: processors, app 4242: goroutines"
eq "running time in us" "$(jq '[.[] | select(.ph=="X" and .pid==3 and .name=="running").dur] | add' "$T/pool.json")" 825

# Each way out gives the same bytes; nothing is left of what failed.
"$GTEXPORT" -q -o "$T/pool.json.gz" "$T/pool.gtr"
gzip -dc "$T/pool.json.gz" | cmp - "$T/pool.json"
"$GTEXPORT" -q -f chrome "$T/pool.gtr" | cmp - "$T/pool.json"
"$GTEXPORT" -q -f chrome - <"$T/pool.gtr" | cmp - "$T/pool.json"
echo old >"$T/keep.json"
status=0
"$GTEXPORT" -q -o "$T/keep.json" "$T/missing.gtr" 2>"$T/err" || status=$?
[ $status != 0 ] || fail "a missing trace was exported"
eq "what was there" "$(cat "$T/keep.json")" old
[ "$(find "$T" -name 'keep.json?*' | wc -l)" = 0 ] || fail "a temporary file was left"

# A cut file: what could be read is there, exit 3.
"$sample" random 9 60000 "$T/r.gtr"
head -c "$(($(stat -c %s "$T/r.gtr") * 2 / 3))" "$T/r.gtr" >"$T/cut.gtr"
status=0
"$GTEXPORT" -q --top 0 -o "$T/cut.json" "$T/cut.gtr" 2>/dev/null || status=$?
eq "exit status for a cut file" $status 3
"$validate" --min slices=1000 "$T/cut.json" >"$T/out" || fail "$(cat "$T/out")"

# Usage.
for args in "-f nonsense" "-o x.unknown" "-f chrome --by q" "-f chrome --flows=some"; do
	status=0
	# shellcheck disable=SC2086
	"$GTEXPORT" $args "$T/pool.gtr" >"$T/stdout" 2>"$T/err" || status=$?
	eq "exit status of $args" $status 2
	[ -s "$T/stdout" ] && fail "$args wrote to stdout"
done
"$GTEXPORT" -f nonsense "$T/pool.gtr" 2>"$T/err" || true
grep -q "there is chrome" "$T/err" || fail "-f does not tell what exists"

# What is left out is told; what is too large is refused.
"$GTEXPORT" --top 2 -o "$T/two.json" "$T/pool.gtr" 2>"$T/err"
grep -q "2 of 4 goroutines have no row of their own (--top 0" "$T/err" || fail "$(cat "$T/err")"

# Threads on and off their CPUs, as gtstat adds them up.
"$GTEXPORT" -q -o "$T/threads.json" tests/golden/threads.gtr
python3 - "$T/threads.json" <<'PY' || fail "rows of threads"
import json, sys
ev = json.load(open(sys.argv[1]))
names = {(e["pid"], e["tid"]): e["args"]["name"] for e in ev if e["name"] == "thread_name"}
sums = {}
for e in ev:
    if e.get("cat") == "thread":
        key = names[e["pid"], e["tid"]], e["name"].split()[0]
        sums[key] = round(sums.get(key, 0) + e["dur"], 3)
assert sums == {("thread 7: CPU", "on"): 335, ("thread 7: CPU", "ready"): 145, ("thread 7: CPU", "blocked"): 10,
                ("thread 8: CPU", "on"): 30, ("thread 8: CPU", "ready"): 10, ("thread 8: CPU", "stopped"): 550}, sums
PY
