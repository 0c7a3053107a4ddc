#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Loss is counted to the event. Rings of 64K, a busy target, gtrec held with SIGSTOP: what the file
# says of it is what all readers say, and with the kernel's own count of the probes' runs
# nothing is left over. The warnings stay few. Histories are uncertain then, not impossible. Soon after a
# loss all goroutines are read anew: states are those of the program's own dump again, of who
# was born, moved on or exited unseen as well.
# timeout: 400
. "$(dirname "$0")/../lib.sh"
need_bpf
need bpftool python3
DUMP=$O/tests/golden/gtdump
[ -x "$DUMP" ] || skip "gtdump is not built: make unit"
pins=/sys/fs/bpf/gtrace-loss-$$
mkdir "$pins" 2>/dev/null || skip "no bpffs to pin programs in"
unpin() {
	rm -rf "$pins"
}
trap 'end_all; unpin' EXIT

# The kernel counts runs while somebody holds such a descriptor; the sysctl would be everybody's.
cat >"$T/stats.py" <<'PY'
import ctypes, os, platform, signal, sys
nr = {"x86_64": 321, "aarch64": 280}[platform.machine()]
attr = ctypes.create_string_buffer(128)  # enable_stats.type = BPF_STATS_RUN_TIME = 0
fd = ctypes.CDLL(None, use_errno=True).syscall(nr, 32, attr, 128)
if fd < 0:
    sys.exit(os.strerror(ctypes.get_errno()))
print("on", flush=True)
signal.pause()
PY
start python3 "$T/stats.py" >"$T/stats" 2>&1
wait_for 10 grep -q on "$T/stats"

now_ns() {
	python3 -c 'import time; print(time.clock_gettime_ns(time.CLOCK_MONOTONIC))'
}
ticks() {
	awk '{print $14 + $15}' "/proc/$1/stat"
}
worked() {
	[ "$(ticks "$1")" -ge "$2" ]
}
larger() {
	[ "$(stat -c %s "$1")" -gt "$2" ]
}
stopped() {
	grep -q '^State:.T' "/proc/$1/status"
}

target=$(subject syscalls)
start "$target" -n 2000000000 >"$T/ready"
pid=$PID
wait_for 20 grep -q ready "$T/ready"
start "$GTREC" -q -v --buffer 64K -o "$T/t.gtr" -p "$pid" 2>"$T/err"
rec=$PID
wait_for 20 test -e "$T/t.gtr"

# A reference of our own to each program outlives gtrec's.
# hold PID: of the programs of this gtrec.
hold() {
	local info id
	for info in /proc/"$1"/fdinfo/*; do
		grep -q '^prog_type' "$info" || continue
		id=$(sed -n 's/^prog_id:[[:space:]]*//p' "$info")
		[ -e "$pins/$id" ] || bpftool prog pin id "$id" "$pins/$id"
	done
}
hold "$rec"
ls "$pins" >"$T/progs"
[ "$(wc -l <"$T/progs")" -ge 2 ] || fail "gtrec has not loaded its programs"

for _ in 1 2; do
	wait_for 20 larger "$T/t.gtr" "$(($(stat -c %s "$T/t.gtr") + 4000))"
	kill -STOP "$rec"
	wait_for 10 stopped "$rec"
	now_ns >>"$T/stops"
	wait_for 20 worked "$pid" $(($(ticks "$pid") + 20))
	now_ns >>"$T/stops"
	kill -CONT "$rec"
done
wait_for 20 larger "$T/t.gtr" "$(($(stat -c %s "$T/t.gtr") + 4000))"
kill -INT "$rec"
rc=0
wait "$rec" || rc=$?
eq "status of gtrec" $rc 0

rc=0
"$GTREPLAY" --verify --json "$T/t.gtr" >"$T/verify" || rc=$?
[ $rc = 0 ] || fail "--verify after losses gives $rc: $("$GTREPLAY" --verify "$T/t.gtr")"
"$GTSTAT" summary --json "$T/t.gtr" >"$T/summary"
"$DUMP" "$T/t.gtr" >"$T/dump"
for p in "$pins"/*; do
	bpftool prog show pinned "$p" --json
done >"$T/runs"

python3 - "$T" <<'PY' || fail "the counts do not agree"
import json, re, sys
t = sys.argv[1]
verify, summary = json.load(open(t + "/verify")), json.load(open(t + "/summary"))
runs = [json.loads(x) for x in open(t + "/runs") if x.strip()]
stops = [int(x) for x in open(t + "/stops")]
err = open(t + "/err").read()
losses, stats, events, end = [], [], [], None
for line in open(t + "/dump"):
    d = json.loads(line)
    if "loss" in d:
        losses.append(d["loss"])
    elif "stats" in d:
        stats.append(d["stats"])
    elif "end" in d:
        end = d["end"]
    elif "event" in d:
        events.append(d["event"])
lost = sum(x["count"] for x in losses)
assert lost > 1000 and len(losses) >= 2, f"only {lost} lost in {len(losses)} places: no test"
assert end["lost"] == lost, f"END says {end['lost']}, the losses {lost}"
assert verify["lost"] == lost and summary["lost"] == lost, (verify["lost"], summary["lost"], lost)
assert stats[-1]["lost"] == lost, (stats[-1], lost)
assert all(a["lost"] <= b["lost"] for a, b in zip(stats, stats[1:]))
assert verify["events"] == end["events"] == len(events), (verify["events"], end, len(events))
written = end["events"] - verify["kinds"].get("snapshot", 0)
assert stats[-1]["events"] == written, (stats[-1], written)

after, lost_after = map(int, re.search(r"left out: (\d+) events, and (\d+) lost ones", err).groups())
hits = sum(r.get("run_cnt", 0) for r in runs)
assert hits > 0, runs
missed = sum(r.get("recursion_misses", 0) for r in runs)
assert missed == 0, f"the kernel passed over {missed} hits"
refused = int(re.search(r"(\d+) records refused", err).group(1))
said = written + lost + refused + after + lost_after
assert refused == 0, err
assert hits == said, f"the kernel ran the probes {hits} times, gtrec accounts for {said}"

# Held from a to b: all that was lost then is bracketed, and nothing of that CPU lies between.
for a, b in zip(stops[::2], stops[1::2]):
    held = [x for x in losses if x["t0"] < b and x["t1"] > a]
    assert held, f"no loss while gtrec was held from {a} to {b}: {losses}"
    for x in held:
        assert x["t0"] <= x["t1"] and x["count"] >= 1 and 0 <= x["cpu"] < 1024, x
        if x["t0"] >= a:
            # One on each CPU may have had its place, but not yet its time.
            between = [e for e in events if e["cpu"] == x["cpu"] and x["t0"] < e["ts"] < min(x["t1"], b)]
            assert len(between) <= 2, f"{len(between)} events inside {x}"
assert all(end["ts"] >= e["ts"] for e in events), "events after the end"

warned = [x for x in err.splitlines() if "lost" in x and "warning" in x]
assert len(warned) == 2, f"{len(warned)} warnings: {warned[:5]}"
assert f"lost {lost} events in all, in {len(losses)} places" in warned[1], warned
print(f"{end['events']} events, {lost} lost in {len(losses)} places, {after} + {lost_after} after the end; {hits} runs")
PY

# ---- the state after a loss ----
# Nothing of the storm is seen but its beginning; then the target is still, and no event would
# ever put right what is believed of those who wait. It is killed, so no last snapshot is taken.
# resync GOVERSION [OPTION...]
resync() {
	local name="Go $*" n=500 pid rec snaps
	rm -f "$T"/s.gtr* "$T/dump" "$T/go" "$T/out"
	start "$(subject storm "$@")" -n $n -go "$T/go" -dump "$T/dump" -d 60s >"$T/out"
	pid=$PID
	wait_for 30 grep -q ready "$T/out"
	start "$GTREC" -q -v --buffer 64K -o "$T/s.gtr" -p "$pid" 2>"$T/err"
	rec=$PID
	wait_for 20 test -e "$T/s.gtr"
	wait_for 20 grep -q "goroutines read" "$T/err"
	kill -STOP "$rec"
	wait_for 10 stopped "$rec"
	: >"$T/go"
	wait_for 30 grep -q quiet "$T/out"
	snaps=$(grep -c "goroutines read" "$T/err")
	kill -CONT "$rec"
	wait_for 20 more_snapshots "$snaps"
	kill -KILL "$pid"
	wait "$rec" || fail "$name: gtrec's status is $?: $(cat "$T/err")"
	"$GTREPLAY" --verify --json "$T/s.gtr" >"$T/verify" || fail "$name: $("$GTREPLAY" --verify "$T/s.gtr")"
	python3 -c 'import json, sys; sys.exit(json.load(sys.stdin)["lost"] < 10000)' <"$T/verify" ||
		fail "$name: too little was lost for a test"
	"$GTREPLAY" --at -0s "$T/s.gtr" 2>"$T/note" >/dev/null
	before=$(sed -n 's/.* had ended, .*: --at \([0-9.]*s\) has .*/\1/p' "$T/note")
	"$GTREPLAY" -q --at "$before" "$T/s.gtr" >"$T/at"
	! grep -q uncertain "$T/at" || fail "$name: after the snapshot: $(grep -m3 uncertain "$T/at")"
	python3 tests/live/attach.py dump "$T/dump" "$T/at" >"$T/compared" || fail "$name: $(cat "$T/compared")"
	"$GTSTAT" goroutines --json "$T/s.gtr" >"$T/gor"
	# Who was there before, who came unseen, and who went unseen.
	python3 - "$T/gor" $n "$name" <<'PY' || fail "$name: lives"
import json, sys
rows, n, name = [json.loads(x) for x in open(sys.argv[1])], int(sys.argv[2]), sys.argv[3]
by = lambda f: [r for r in rows if r["func"] == f]
left, new = by("main.leaves"), by("main.comesToChoose") + by("main.comesToSend")
assert len(left) == n // 5 and all(r["created_ns"] is None and not r["with_process"] for r in left), left[:3]
assert len(new) == 2 * n and all(r["with_process"] for r in new), (len(new), new[:3])
assert all(r["created_ns"] is not None and r["created_ns"] > 0 for r in new), "as if they had been there before"
assert len(by("main.stays")) == n // 5 and all(r["with_process"] for r in by("main.stays"))
print(f"{name}: {len(rows)} goroutines, {len(left)} gone unseen, {len(new)} come unseen")
PY
}
more_snapshots() {
	[ "$(grep -c "goroutines read" "$T/err")" -gt "$1" ]
}
resync local
resync 1.20 stripped

# ---- others of the same binary pay nothing: no program runs for them ----
rm -f "$pins"/* "$T/go" "$T/out" "$T/out2"
storm=$(subject storm)
start "$storm" -n 20 -go "$T/never" -dump "$T/dump" -d 60s >"$T/out"
pid=$PID
wait_for 30 grep -q ready "$T/out"
start "$GTREC" -q -v -o "$T/b.gtr" -p "$pid" 2>"$T/err"
rec=$PID
wait_for 20 test -e "$T/b.gtr"
hold "$rec"
: >"$T/go"
start "$storm" -n 20 -go "$T/go" -dump "$T/dump2" -d 1ms >"$T/out2"
wait "$PID" || fail "the bystander: status $?"
grep -q quiet "$T/out2" || fail "the bystander has not done its work"
kill -INT "$rec"
wait "$rec" || fail "status $?"
for p in "$pins"/*; do
	bpftool prog show pinned "$p" --json
done >"$T/runs"
"$GTREPLAY" --verify --json "$T/b.gtr" >"$T/verify" || fail "bystander: $("$GTREPLAY" --verify "$T/b.gtr")"
python3 - "$T" <<'PY' || fail "a bystander was probed"
import json, re, sys
t = sys.argv[1]
v = json.load(open(t + "/verify"))
after, lost_after = map(int, re.search(r"left out: (\d+) events, and (\d+) lost ones", open(t + "/err").read()).groups())
hits = sum(json.loads(x).get("run_cnt", 0) for x in open(t + "/runs") if x.strip())
own = v["events"] - v["kinds"].get("snapshot", 0) + v["lost"] + after + lost_after
assert hits == own and 0 < own < 20000, f"{hits} runs for the {own} events of the one that was traced"
print(f"{hits} runs beside a bystander with more than 80000 changes of state")
PY
