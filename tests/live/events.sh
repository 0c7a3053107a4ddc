#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# --events: a group that is not asked for has no probes and no events, and the file says what was
# asked for; what is no group is refused.
# timeout: 120
. "$(dirname "$0")/../lib.sh"

rc=0
"$GTREC" --events=syscall,bogus -- true 2>"$T/err" || rc=$?
eq "status of a wrong group" "$rc" 2
grep -q "'bogus' is no group" "$T/err" || fail "a wrong group: $(cat "$T/err")"
need_bpf
need jq

# record GOVERSION LIST: into $T/t.gtr
record() {
	rm -f "$T"/t.gtr*
	"$GTREC" -q ${2:+--events="$2"} -o "$T/t.gtr" -- "$(subject syscalls "$1")" >"$T/out" 2>"$T/err" ||
		fail "Go $1, --events=$2: $(cat "$T/err")"
	"$GTREPLAY" --verify "$T/t.gtr" >"$T/verify" || fail "Go $1, --events=$2: $(cat "$T/verify")"
}

# ---- syscall: from 1.26 on short system calls are told by probes of their own ----
calls() {
	"$GTREPLAY" "$T/t.gtr" | grep -c 'running -> syscall' || true
}
record 1.26 ""
all=$(calls)
record 1.26 none
few=$(calls)
[ "$all" -ge 200 ] || fail "only $all system calls with the default"
[ "$few" -lt $((all / 4)) ] || fail "$few of $all system calls without the group"
record 1.25 none
[ "$(calls)" -ge 200 ] || fail "Go 1.25: $(calls) system calls"

# ---- gc and runq: no event of a kind that was not asked for ----
kinds() {
	"$GTREPLAY" --verify "$T/t.gtr" | sed -n 's/^events  *//p'
}
record 1.26 gc,runq
case $(kinds) in *gomaxprocs*) ;; *) fail "no GOMAXPROCS: $(kinds)" ;; esac
record 1.26 syscall
case $(kinds) in *gomaxprocs*) fail "GOMAXPROCS without the group: $(kinds)" ;; esac
# Without the group no P is known: nothing of it is told, not even that it was 0.
"$GTSTAT" --json "$T/t.gtr" | jq -e '.steals == null and .runq.overflows == null' >"$T/jq" ||
	fail "steals without the group: $(cat "$T/jq")"
