#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# However a recording ends, its file is whole and its last state is true: Ctrl-C, SIGTERM, -d, the
# target's exit, panic or SIGKILL. gtrec killed with -9 leaves a file that is readable to its last
# whole block, at most about a second short, and a target that runs on as if nothing had been.
# timeout: 120
. "$(dirname "$0")/../lib.sh"
need_bpf
need python3
DUMP=$O/tests/golden/gtdump
[ -x "$DUMP" ] || skip "gtdump is not built: make unit"

sleepers=$(subject sleepers)
crash=$(subject crash)
term=$(subject sigterm)

larger() {
	[ "$(stat -c %s "$1")" -gt "$2" ]
}

# whole NAME REASON: the trace is closed for that reason and has no step that needs an excuse.
whole() {
	"$GTREPLAY" --verify "$T/t.gtr" >"$T/verify" || fail "$1: $(cat "$T/verify")"
	"$DUMP" "$T/t.gtr" >"$T/dump"
	python3 - "$1" "$2" "$T/dump" <<'PY' || fail "$1"
import json, sys
name, reason, dump = sys.argv[1:]
end, last, n = None, 0, 0
for d in map(json.loads, open(dump)):
    if "end" in d:
        end = d["end"]
    elif "event" in d:
        last, n = max(last, d["event"]["ts"]), n + 1
assert end, f"{name}: no END block"
assert end["reason"] == int(reason), f"{name}: ended for reason {end['reason']}, not {reason}"
assert n > 10 and end["events"] == n, f"{name}: {end['events']} events, {n} are there"
assert last <= end["ts"], f"{name}: events after the end"
PY
	[ -z "$(find "$T" -maxdepth 1 -name '.gtrec-*')" ] || fail "$1: a hidden file is left"
	rm -f "$T"/t.gtr*
}

# attach COMMAND...: the program in $target, gtrec on it in $rec, events in the file.
attach() {
	start "$@" >"$T/out" 2>"$T/prog.err"
	target=$PID
	wait_for 20 grep -q ready "$T/out"
	start "$GTREC" -q "${opts[@]}" -o "$T/t.gtr" -p "$target" 2>"$T/err"
	rec=$PID
	wait_for 20 test -e "$T/t.gtr"
}

# status PID WANT WHAT
status() {
	local rc=0
	wait "$1" || rc=$?
	eq "$3: status" "$rc" "$2"
}

# ---- attached: gtrec is ended ----
opts=()
for s in INT:1 TERM:1 HUP:1; do
	attach "$sleepers" -n 20 -d 20s
	wait_for 20 larger "$T/t.gtr" 3000
	kill -"${s%:*}" "$rec"
	status "$rec" 0 "SIG${s%:*}"
	kill -0 "$target" || fail "SIG${s%:*} to gtrec ends the target"
	whole "SIG${s%:*}" "${s#*:}"
	kill "$target"
done
opts=(-d 300ms)
attach "$sleepers" -n 20 -d 20s
status "$rec" 0 "-d"
kill -0 "$target" || fail "-d ends the target"
whole "-d" 2
kill "$target"

# ---- attached: the target ends ----
opts=()
attach "$sleepers" -n 20 -d 1s
status "$rec" 0 "exit of the target"
status "$target" 0 "the target"
grep -q '"sleepers":20' "$T/out" || fail "the target did not do its work"
whole "exit of the target" 3
for how in panic:2 kill:137; do
	attach "$crash" -d 1s -how "${how%:*}"
	status "$rec" 0 "target: ${how%:*}"
	status "$target" "${how#*:}" "the target: ${how%:*}"
	whole "target: ${how%:*}" 3
done

# ---- gtrec is killed ----
attach "$sleepers" -n 50 -d 20s
wait_for 20 larger "$T/t.gtr" 10000
kill -KILL "$rec"
killed=$(python3 -c 'import time; print(time.clock_gettime_ns(time.CLOCK_MONOTONIC))')
wait "$rec" || true
rc=0
"$GTREPLAY" --verify "$T/t.gtr" >"$T/verify" 2>&1 || rc=$?
eq "gtrec -9: --verify" $rc 3
rc=0
"$DUMP" "$T/t.gtr" >"$T/dump" || rc=$?
python3 - "$killed" "$T/dump" <<'PY' || fail "gtrec -9: too much is missing"
import json, sys
killed = int(sys.argv[1])
last = max(d["event"]["ts"] for d in map(json.loads, open(sys.argv[2])) if "event" in d)
short = (killed - last) / 1e9
assert -0.1 < short < 2.5, f"the last event is {short:.2f} s before the end"  # 1 s, on a busy machine
PY
sleep_calls() {
	grep ctxt "/proc/$target/task/"*/status 2>/dev/null | awk '{n += $NF} END {print n}'
}
before=$(sleep_calls)
runs_on() {
	[ "$(sleep_calls)" -gt $((before + 100)) ]
}
wait_for 20 runs_on
rm -f "$T/t.gtr"
# What the kernel put into its memory for gtrec is gone, so that the next one finds it as it was.
start "$GTREC" -q -d 200ms -o "$T/t.gtr" -p "$target"
status "$PID" 0 "the next gtrec"
whole "the next gtrec" 2
kill "$target"

# ---- launched ----
# launched WANT REASON NAME ARGS...: gtrec's status, and the trace.
launched() {
	local want=$1 reason=$2 name=$3 rc=0
	shift 3
	("$GTREC" -q -o "$T/t.gtr" "$@") >"$T/out" 2>"$T/err" || rc=$?
	eq "$name: status" $rc "$want"
	whole "$name" "$reason"
}
launched 0 3 "command exits" -- "$sleepers" -n 5 -d 200ms
launched 2 3 "command panics" -- "$crash" -d 200ms
launched 137 4 "command is killed" -- "$crash" -d 200ms -how kill
launched 0 2 "-d with a command that ends with 7" -d 300ms -- "$term" -code 7 -d 20s
grep -q '"signal":"terminated"' "$T/out" || fail "-d: the command gets no SIGTERM"

# Ctrl-C at a terminal reaches both: the command once, and from the terminal.
cat >"$T/terminal.py" <<'PY'
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
text, sent, end = b"", False, time.monotonic() + 30
while time.monotonic() < end:
    if select.select([fd], [], [], 0.1)[0]:
        try:
            data = os.read(fd, 4096)
        except OSError:
            break
        if not data:
            break
        text += data
    if b"ready" in text and not sent:
        os.write(fd, b"\x03")
        sent = True
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.write(text.decode(errors="replace"))
sys.exit(status if status >= 0 else 128 - status)
PY
rc=0
python3 "$T/terminal.py" "$GTREC" -q -o "$T/t.gtr" -- "$term" -code 7 -d 20s >"$T/out" || rc=$?
eq "Ctrl-C: status" $rc 0
eq "Ctrl-C: signals that the command got" "$(grep -c '"signal"' "$T/out")" 1
grep -q '"signal":"interrupt"' "$T/out" || fail "Ctrl-C: the command got $(cat "$T/out")"
whole "Ctrl-C" 1

# What is parked when it ends has a stack, also for one who asks about an earlier moment.
"$GTREC" -q -d 1500ms -o "$T/parked.gtr" -- "$(subject leak)" >"$T/out"
for at in -500ms -0s; do
	"$GTREPLAY" --at "$at" --json "$T/parked.gtr" >"$T/at$at.json"
done
python3 - "$T/at-500ms.json" "$T/at-0s.json" <<'PY' || fail "stacks of what is parked"
import json, sys
then, end = [{g["goid"]: g for g in json.load(open(f))["goroutines"]} for f in sys.argv[1:]]
same = [k for k, g in then.items() if g["state"] == "waiting" and k in end
        and end[k]["since_ns"] == g["since_ns"]]
assert len(same) >= 5, f"only {len(same)} are parked all the while"
bare = [k for k in same if not then[k]["stack"] or then[k]["stack"] != end[k]["stack"]]
assert not bare, f"no stack, or another one, for {bare}"
PY
