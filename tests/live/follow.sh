#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gtrec -f: every Go process of a tree is one process of the trace, from its first goroutine to its
# end, which says how it ended; exec ends one and, where the next is Go too, begins another. What
# is held for a process is let go when it has ended, so that their number is not limited.
# timeout: 240
. "$(dirname "$0")/../lib.sh"
need_bpf
need python3 jq

becomes=$(subject becomes)
exitcode=$(subject exitcode)
crash=$(subject crash)

# record WANT ARGS...: gtrec's status is WANT; the trace is possible, and nothing outlives its process.
record() {
	local want=$1 rc=0
	shift
	rm -f "$T"/t.gtr*
	("$GTREC" -o "$T/t.gtr" "$@") >"$T/out" 2>"$T/err" || rc=$?
	eq "status of $*" $rc "$want"
	"$GTREPLAY" --verify "$T/t.gtr" >"$T/verify" || fail "$*: $(cat "$T/verify")"
	"$GTSTAT" summary --json "$T/t.gtr" >"$T/summary"
	eq "goroutines left by $*" "$(jq .goroutines.live "$T/summary")" 0
	eq "lost by $*" "$(jq .lost "$T/summary")" 0
}
ends() {
	jq -c '[.processes[] | [.end, .status]]' "$T/summary"
}

# ---- exec: Go that executes itself, another Go program, and one that is none ----
record 0 -f -- "$becomes" -d 50ms
eq "ends, itself" "$(ends)" '[["exec",null],["exited",0]]'
"$GTREPLAY" --json "$T/t.gtr" >"$T/steps"
python3 - "$T/steps" <<'PY' || fail "exec of itself"
import json, sys
first, second, ends = [], [], []
for s in map(json.loads, open(sys.argv[1])):
    if s.get("func") == "main.firstImage":
        first.append(s["t_ns"])
    elif s.get("func") == "main.secondImage":
        second.append(s["t_ns"])
    elif "process_end" in s:
        ends.append((s["t_ns"], s["process_end"]))
assert first and second, (len(first), len(second))
assert [e for _, e in ends] == ["exec", "exited"], ends
assert max(first) <= ends[0][0] <= min(second) <= max(second) <= ends[1][0], "out of order"
PY
! grep -q "trace of" "$T/err" || fail "exec of itself is followed, but: $(cat "$T/err")"
record 3 -f -- "$becomes" -d 50ms -what "$exitcode"
eq "ends, other Go program" "$(ends)" '[["exec",null],["exited",3]]'
eq "pids, other Go program" "$(jq '.processes | map(.pid) | unique | length' "$T/summary")" 1
eq "programs" "$(jq -r '.processes[].exe' "$T/summary" | xargs -n1 basename | cut -d- -f1 | xargs)" "becomes exitcode"
record 0 -f -- "$becomes" -d 50ms -what sleep
eq "ends, sleep" "$(ends)" '[["exec",null]]'
grep -q "the trace of 'becomes.* ends: it has executed another program" "$T/err" || fail "exec of sleep is not told: $(cat "$T/err")"
# Without -f the first one is all, and gtrec says so.
record 0 -- "$becomes" -d 50ms
eq "ends without -f" "$(ends)" '[["exec",null]]'
grep -q "executed another program (gtrec -f goes on" "$T/err" || fail "without -f: $(cat "$T/err")"

# ---- how they end ----
record 7 -f -- sh -c "$exitcode -code 3 -d 10ms; $crash -d 10ms -how kill; exit 7"
eq "ends, exit and kill" "$(ends)" '[["exited",3],["killed",9]]'
record 4 -- "$exitcode" -code 4 -d 10ms
eq "end of the only one" "$(ends)" '[["exited",4]]'
"$GTREPLAY" "$T/t.gtr" >"$T/log"
grep -q 'process [0-9]* exited with status 4$' "$T/log" || fail "the log does not tell the end"
"$GTEXPORT" -f chrome -o - "$T/t.gtr" >"$T/chrome"
grep -q '"name":"process [0-9]* exited with status 4","cat":"process end"' "$T/chrome" || fail "nor does the export"

# ---- a hundred short ones, few descriptors: none is said to have executed another program ----
# shellcheck disable=SC2016
loop='i=0; while [ $i -lt 100 ]; do "$0" -code 0 -d 0s || exit; i=$((i + 1)); done'
(
	ulimit -n 224
	record 0 -f -- sh -c "$loop" "$exitcode"
)
eq "ends of the short ones" "$("$GTSTAT" summary --json "$T/t.gtr" |
	jq -c '[.processes[] | [.end, .status]] | group_by(.) | map([length, .[0]])')" '[[100,["exited",0]]]'
! grep -q "executed another" "$T/err" || fail "an exit is taken for an exec: $(cat "$T/err")"
eq "the command's limit of descriptors" "$(bash -c "ulimit -Sn 500; '$GTREC' -q -f -o '$T/u.gtr' -- sh -c 'ulimit -n; $exitcode -code 0 -d 0s >/dev/null'")" 500
