#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# --stacks=block: where each goroutine blocks, told by the event of the wait itself, frame by frame as
# the program's own dump (debug=2) has it: on six lines of Go, stripped, with cgo, profile-guided. No
# snapshot helps: the program is launched, and killed before it ends. --stack-depth cuts, and says so.
# --stacks=syscall: from the call itself outwards.
# timeout: 240
. "$(dirname "$0")/../lib.sh"
need_bpf
need python3

# recorded NAME PROGRAM [GTREC-OPTION...]: traced into t.gtr until its dump is there; then killed.
recorded() {
	local name=$1 program=$2 pid
	shift 2
	rm -f "$T"/t.gtr* "$T/dump" "$T/out"
	start "$GTREC" -q -o "$T/t.gtr" "$@" -- "$program" -n 400 -dump "$T/dump" -d 60s >"$T/out" 2>"$T/err"
	wait_for 30 grep -q ready "$T/out"
	pid=$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$T/out")
	kill -9 "$pid"
	wait "$PID" 2>/dev/null || true # it dies as its command has
	"$GTREPLAY" --verify "$T/t.gtr" >"$T/verify" || fail "$name: $(cat "$T/verify")"
	"$GTREPLAY" --json "$T/t.gtr" >"$T/steps"
	! grep -q '"snapshot":true' "$T/steps" || fail "$name: there was a snapshot, which proves nothing"
	"$GTREPLAY" --at -0s "$T/t.gtr" >"$T/at" 2>"$T/note"
	before=$(sed -n 's/.* had ended, .*: --at \([0-9.]*s\) has .*/\1/p' "$T/note")
	[ -n "$before" ] || fail "$name: --at after the end says: $(cat "$T/note")"
}

compare() {
	local name="Go $*"
	recorded "$name" "$(subject parked "$@")" --stacks=create,block
	"$GTREPLAY" -q --at "$before" "$T/t.gtr" >"$T/at"
	python3 tests/live/attach.py dump "$T/dump" "$T/at" >"$T/compared" || fail "$name: $(cat "$T/compared")"
	[ "$(grep -c '^goroutine ' "$T/at")" -ge 400 ] || fail "$name: $(cat "$T/compared")"
	! grep -q 'not recorded' "$T/at" || fail "$name: a stack is not whole"
}
compare local
compare local stripped
for v in 1.17 1.20 1.21 1.23 1.24; do
	compare $v
done
compare 1.26 pie
compare 1.26 cgo stripped
compare local pgo

# ---- two frames, and it is said that there are more ----
recorded "two frames" "$(subject parked)" --stacks=block --stack-depth 2
"$GTREPLAY" -q --at "$before" "$T/t.gtr" >"$T/at"
grep -q 'not recorded' "$T/at" || fail "nobody says that frames are missing"
python3 - "$T/steps" <<'PY' || fail "two frames"
import json, sys
waits = [s for s in map(json.loads, open(sys.argv[1])) if s.get("to") == "waiting"]
cut = [s for s in waits if s.get("stack_cut")]
assert len(cut) > 300, f"{len(cut)} of {len(waits)} waits have a stack that goes on"
assert all("goexit" not in "".join(s.get("stack", [])) for s in cut)
made = [s for s in map(json.loads, open(sys.argv[1])) if s.get("from") == "idle" and s.get("stack")]
assert not made, "creation stacks, which nobody asked for"
PY

# ---- system calls ----
"$GTREC" -q -o "$T/sys.gtr" --stacks=syscall -- "$(subject syscalls)" -n 200 -d 1s >"$T/out"
"$GTREPLAY" --json --state syscall "$T/sys.gtr" >"$T/steps"
python3 - "$T/steps" <<'PY' || fail "system calls"
import json, sys
calls = [s for s in map(json.loads, open(sys.argv[1])) if s.get("to") == "syscall"]
assert len(calls) > 100, len(calls)
own = [s for s in calls if any(f.startswith("main.") for f in s.get("stack", []))]
assert len(own) > len(calls) / 2, f"{len(own)} of {len(calls)} system calls tell where in the program"
for s in own:
    assert s["stack"][0] == s["in"], (s["stack"], s["in"])
PY
