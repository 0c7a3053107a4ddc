#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gtrec --max-overhead 0: no probe, and nothing asked of the kernel that could be forbidden (a seccomp
# filter ends gtrec at its first bpf or perf_event_open, and the capabilities for them are gone).
# What it samples is what the program's own dump says, of who came and went between two samples as well;
# every reader takes such a file, and says that times are estimates. --snapshot beside probes.
# timeout: 180
. "$(dirname "$0")/../lib.sh"
[ "$(id -u)" = 0 ] || skip "needs root"
need capsh python3

# without COMMAND...: with no right to probe, and ended by SIGSYS should it try.
cat >"$T/without.py" <<'PY'
import ctypes, os, platform, struct, sys
nrs = {"x86_64": (321, 298), "aarch64": (280, 241)}[platform.machine()]  # bpf, perf_event_open
ins = lambda code, jt, jf, k: struct.pack("HBBI", code, jt, jf, k)
code = ins(0x20, 0, 0, 0) + ins(0x15, 2, 0, nrs[0]) + ins(0x15, 1, 0, nrs[1]) + \
    ins(0x06, 0, 0, 0x7FFF0000) + ins(0x06, 0, 0, 0x80000000)
buf = ctypes.create_string_buffer(code)
class Prog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
prog = Prog(len(code) // 8, ctypes.addressof(buf))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(prog), 0, 0):
    sys.exit(os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
PY
without() {
	# shellcheck disable=SC2016
	exec capsh --drop=cap_bpf,cap_perfmon,cap_sys_admin -- -c 'exec "$0" "$@"' python3 "$T/without.py" "$@"
}
larger() {
	[ "$(stat -c %s "$1")" -gt "$2" ]
}
# more_looks N: of the recording whose messages are in $T/err.
more_looks() {
	[ "$(grep -c "goroutines read" "$T/err")" -gt "$1" ]
}
looks() {
	grep -c "goroutines read" "$T/err" || true
}

# ---- the trap works: with probes gtrec is refused, or ended ----
start "$(subject sleepers)" -n 5 -d 60s >"$T/out"
wait_for 20 grep -q ready "$T/out"
rc=0
(without "$GTREC" -q -d 100ms -o "$T/no.gtr" -p "$PID") 2>"$T/err" || rc=$?
eq "status with probes, without the right to" $rc 4
kill "$PID"

# ---- storms between samples ----
# storm GOVERSION [OPTION...]
storm() {
	local name="Go $*" pid rec before
	rm -f "$T"/s.gtr* "$T/dump" "$T/go" "$T/out"
	start "$(subject storm "$@")" -n 500 -rounds 2 -go "$T/go" -dump "$T/dump" -d 60s >"$T/out"
	pid=$PID
	wait_for 30 grep -q ready "$T/out"
	start without "$GTREC" -q -v --max-overhead 0 --snapshot 100ms -o "$T/s.gtr" -p "$pid" 2>"$T/err"
	rec=$PID
	wait_for 20 more_looks 3
	: >"$T/go"
	wait_for 30 grep -q quiet "$T/out"
	wait_for 20 more_looks $(($(looks) + 1))
	kill -KILL "$pid"
	rc=0
	wait "$rec" || rc=$?
	eq "$name: status" $rc 0
	"$GTREPLAY" --verify --json "$T/s.gtr" >"$T/verify" || fail "$name: $("$GTREPLAY" --verify "$T/s.gtr")"
	"$GTREPLAY" --at -0s "$T/s.gtr" 2>"$T/note" >/dev/null
	before=$(sed -n 's/.* had ended, .*: --at \([0-9.]*s\) has .*/\1/p' "$T/note")
	"$GTREPLAY" -q --at "$before" "$T/s.gtr" >"$T/at"
	python3 tests/live/attach.py dump "$T/dump" "$T/at" >"$T/compared" || fail "$name: $(cat "$T/compared")"
	"$GTREPLAY" --json "$T/s.gtr" >"$T/steps" 2>"$T/note"
	grep -q "no probes were attached" "$T/note" || fail "$name: gtreplay says $(cat "$T/note")"
	"$GTSTAT" goroutines --json "$T/s.gtr" >"$T/gor"
	"$GTSTAT" summary --json "$T/s.gtr" >"$T/sum"
	python3 - "$T" "$name" <<'PY' || fail "$name: what is in the file"
import json, sys
t, name = sys.argv[1:]
rows = [json.loads(x) for x in open(t + "/gor")]
steps = [json.loads(x) for x in open(t + "/steps")]
verify, s = json.load(open(t + "/verify")), json.load(open(t + "/sum"))
kinds = {k for k, n in verify["kinds"].items() if n}
assert kinds == {"snapshot", "gap_sample", "process_end"}, verify["kinds"]
assert verify["lost"] == 0 and s["lost"] == 0 and s["losses"] == []
by = lambda f: [r for r in rows if r["func"] == f]
left, new = by("main.leaves"), by("main.comesToChoose") + by("main.comesToSend")
assert len(left) == 100 and not any(r["with_process"] for r in left), left[:2]
assert len(new) == 1000 and all(r["created_ns"] for r in new), "as if they had been there before"
# The whole of it is gaps, and says so; each step but the first of each goroutine is a sample.
assert s["gaps"] >= 4 and s["gaps_ns"] > 0.9 * s["span_ns"], (s["gaps"], s["gaps_ns"], s["span_ns"])
assert sum(x.get("cause") == "throttled" for x in steps) >= s["gaps"]
told = [x for x in steps if "goid" in x]
assert all(x.get("sampled") or x.get("with_process") or x["from"] == "unknown" for x in told)
# Nothing that only samples saw is among what was measured.
assert s["lifetime"]["count"] == 0, s["lifetime"]
assert all(b["count"] == 0 for b in s["block"].values())
assert 0 < s["block"]["chan_receive"]["share_error"] < 1, s["block"]["chan_receive"]
assert s["goroutine_block_ratio_error"] >= 0
PY
}
storm local
storm 1.20 stripped

# ---- all readers ----
for view in summary goroutines lifetimes blocks runq leaks; do
	"$GTSTAT" $view "$T/s.gtr" >"$T/text" 2>/dev/null || fail "gtstat $view"
	[ -s "$T/text" ] || fail "gtstat $view says nothing"
	"$GTSTAT" $view --json "$T/s.gtr" 2>/dev/null | python3 -c '
import json, sys
assert [json.loads(x) for x in sys.stdin]' || fail "gtstat $view --json"
done
"$GTSTAT" "$T/s.gtr" 2>/dev/null | grep -q '^traced .* samples' || fail "gtstat does not say what was sampled"
"$GTREPLAY" "$T/s.gtr" 2>/dev/null >"$T/text"
grep -q "NOT TRACED for" "$T/text" || fail "the log has no gaps"
grep -q "(sampled)" "$T/text" || fail "the log has no samples"
"$GTREPLAY" -g 1 "$T/s.gtr" >"$T/text" 2>/dev/null || fail "gtreplay -g"
grep -q "runtime.main" "$T/text" || fail "gtreplay -g 1: $(cat "$T/text")"
"$GTEXPORT" -q -o "$T/x.json" "$T/s.gtr" || fail "gtexport"
python3 tests/scripts/chrome_validate.py "$T/x.json" >"$T/text" || fail "chrome: $(cat "$T/text")"
"$GTEXPORT" -q -o "$T/copy.gtr" "$T/s.gtr" || fail "a copy"
"$GTREPLAY" --verify "$T/copy.gtr" >"$T/text" || fail "the copy: $(cat "$T/text")"

# ---- a command: its status, and its goroutines were made in the trace ----
rm -f "$T"/c.gtr*
rc=0
(without "$GTREC" -q --max-overhead 0 --snapshot 100ms -o "$T/c.gtr" -- "$(subject sleepers)" -n 7 -d 1s) >"$T/out" || rc=$?
eq "status of the command" $rc 0
"$GTREPLAY" --verify "$T/c.gtr" >"$T/text" || fail "command: $(cat "$T/text")"
"$GTSTAT" summary --json "$T/c.gtr" 2>/dev/null | python3 -c '
import json, sys
s = json.load(sys.stdin)
assert s["goroutines"]["existed"] == 0 and s["goroutines"]["created"] >= 8, s["goroutines"]' || fail "command: goroutines"

# ---- beside probes: looks all along, and no gap ----
need_bpf
start "$(subject sleepers)" -n 5 -d 60s >"$T/out"
pid=$PID
wait_for 20 grep -q ready "$T/out"
start "$GTREC" -q -v --snapshot 100ms -o "$T/p.gtr" -p "$pid" 2>"$T/err"
wait_for 20 more_looks 4
kill -INT "$PID"
wait "$PID" || fail "--snapshot: status $?"
"$GTREPLAY" --verify --json "$T/p.gtr" | python3 -c '
import json, sys
v = json.load(sys.stdin)
assert v["kinds"]["snapshot"] >= 25 and "gap_sample" not in v["kinds"] and v["losses"] == 0, v' || fail "--snapshot: kinds"

# ---- what it does not take ----
for bad in "--snapshot 50ms" "--max-overhead x" "--max-overhead -1"; do
	rc=0
	# shellcheck disable=SC2086
	"$GTREC" -q $bad -o "$T/no.gtr" -p 1 2>"$T/err" || rc=$?
	eq "status of $bad" $rc 2
done
