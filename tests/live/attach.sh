#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Attaching to what runs already. All goroutines are there in the first state, also those that have
# been blocked since long, with the reason, the stack and the creator that the program's own dump gives
# them: on six lines of Go, stripped, PIE, static, with cgo. Churn while attaching confuses
# nothing. Others of the same binary are left alone, and what was put in is taken out.
# timeout: 240
. "$(dirname "$0")/../lib.sh"
need_bpf
need readelf python3

verify() {
	"$GTREPLAY" --verify "$2" >"$T/verify" || fail "$1: $(cat "$T/verify")"
}
larger() {
	[ "$(stat -c %s "$1")" -gt "$2" ]
}

# ---- the first state: no event, no second snapshot, just what was there ----
# first N GOVERSION [OPTION...]
first() {
	local n=$1 name
	shift
	name="Go $*"
	rm -f "$T"/t.gtr*
	start "$(subject parked "$@")" -n "$n" -dump "$T/dump" -d 60s >"$T/out"
	wait_for 30 grep -q ready "$T/out"
	local pid=$PID
	start "$GTREC" -q -o "$T/t.gtr" -p "$pid" 2>"$T/err"
	wait_for 30 test -e "$T/t.gtr"
	kill "$pid" # without a word to gtrec, which ends as its target has ended
	wait "$PID" || fail "$name: gtrec's status is $?: $(cat "$T/err")"
	verify "$name" "$T/t.gtr"
	"$GTREPLAY" --at -0s "$T/t.gtr" >"$T/at" 2>"$T/note"
	! grep -q '^goroutine ' "$T/at" || fail "$name: goroutines outlive their process"
	local before
	before=$(sed -n 's/.* had ended, .*: --at \([0-9.]*s\) has .*/\1/p' "$T/note")
	[ -n "$before" ] || fail "$name: --at after the end says: $(cat "$T/note")"
	"$GTREPLAY" -q --at "$before" "$T/t.gtr" >"$T/at"
	python3 tests/live/attach.py dump "$T/dump" "$T/at" >"$T/compared" || fail "$name: $(cat "$T/compared")"
	[ "$(grep -c '^goroutine ' "$T/at")" -ge "$n" ] || fail "$name: $(cat "$T/compared")"
	[ ! -s "$T/err" ] || fail "$name: $(cat "$T/err")"
}
first 20000 local
first 20000 local stripped
for v in 1.17 1.20 1.22 1.24; do
	first 800 $v
	first 800 $v stripped
done
first 800 1.26 pie
first 800 1.26 static
first 800 1.26 cgo stripped
first 800 1.23 pie stripped

# ---- churn: goroutines come, go and reuse each other's structs while they are read ----
start "$(subject spawn)" -n 200000000 -wave 500 >"$T/out"
churn=$PID
wait_for 20 grep -q ready "$T/out"
for i in 1 2 3; do
	"$GTREC" -q -d 100ms -o "$T/churn.gtr" -p "$churn" 2>"$T/err" || fail "churn: $(cat "$T/err")"
	verify "churn $i" "$T/churn.gtr"
done
kill "$churn"

# ---- two of one binary ----
sleepers=$(subject sleepers)
start "$sleepers" -n 20 -d 60s >"$T/a"
a=$PID
start "$sleepers" -n 20 -d 60s >"$T/b"
b=$PID
wait_for 20 grep -q ready "$T/a"
wait_for 20 grep -q ready "$T/b"
site() {
	python3 tests/live/attach.py site "$1" "$sleepers"
}
eq "memory before" "$(site "$a"), $(site "$b")" "clean, clean"
start "$GTREC" -q -o "$T/one.gtr" -p "$a"
wait_for 20 larger "$T/one.gtr" 3000
eq "memory of the traced one" "$(site "$a")" "1 changed"
eq "memory of the other one" "$(site "$b")" clean
kill -INT "$PID"
wait "$PID" || fail "gtrec's status is $?"
eq "memory after" "$(site "$a"), $(site "$b")" "clean, clean"
verify "one of two" "$T/one.gtr"
pids() {
	"$GTREPLAY" --json "$1" | python3 -c '
import json, sys
print(*sorted({s["pid"] for s in map(json.loads, sys.stdin) if "pid" in s}))'
}
eq "recorded of two" "$(pids "$T/one.gtr")" "$a"
"$GTREC" -q -d 300ms -o "$T/both.gtr" -p "$a,$b"
verify "both" "$T/both.gtr"
eq "recorded with -p A,B" "$(pids "$T/both.gtr")" "$(printf '%s\n' "$a" "$b" | sort -n | xargs)"
eq "memory of both after" "$(site "$a"), $(site "$b")" "clean, clean"
kill "$a" "$b"

# ---- exec while traced: the trace is the first image's ----
becomes=$(subject becomes)
for what in self sleep; do
	rm -f "$T/out" "$T/exec.gtr"
	start "$becomes" -what $what -d 1s >"$T/out"
	target=$PID
	wait_for 20 grep -q ready "$T/out"
	rc=0
	"$GTREC" -o "$T/exec.gtr" -p "$target" 2>"$T/err" || rc=$?
	eq "exec of $what: status" $rc 0
	grep -q "executed another program" "$T/err" || fail "exec of $what is not told: $(cat "$T/err")"
	verify "exec of $what" "$T/exec.gtr"
	"$GTSTAT" goroutines --json "$T/exec.gtr" >"$T/gor"
	grep -q 'main\.firstImage' "$T/gor" || fail "exec of $what: the first image is not there"
	! grep -q 'main\.secondImage' "$T/gor" || fail "exec of $what: the second image is in the first one's trace"
	wait "$target" || fail "exec of $what: the target ended with $?"
done

# ---- fork without exec: the child comes upon the parent's breakpoints ----
rm -f "$T/out"
"$GTREC" -q -o "$T/fork.gtr" -- "$(subject forks)" -n 10 >"$T/out"
verify fork "$T/fork.gtr"
"$GTREPLAY" --json "$T/fork.gtr" >"$T/steps"
python3 - "$T/out" "$T/steps" <<'PY' || fail "fork"
import json, sys
fact = [json.loads(x) for x in open(sys.argv[1])][-1]
assert set(fact["status"]) <= {7, -1} and 7 in fact["status"], f"children ended with {fact['status']}"
tids = {s["tid"] for s in map(json.loads, open(sys.argv[2])) if s.get("tid")}
assert tids and not tids & set(fact["pids"]), "events of a child are in the parent's trace"
PY
