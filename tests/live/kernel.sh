#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# --events=sched,fault: what the kernel did with a program's threads, against what it counts for
# them itself: time slices and context switches exactly, times on a CPU and without one, major faults.
# timeout: 180
. "$(dirname "$0")/../lib.sh"
need_bpf
need python3 unshare mount
[ -r /sys/kernel/btf/vmlinux ] || skip "the kernel has no BTF"
DUMP=$O/tests/golden/gtdump
[ -x "$DUMP" ] || skip "gtdump is not built: make unit"

# possible NAME: the history of T/NAME.gtr is, with each event of a thread while it has a CPU.
possible() {
	"$GTREPLAY" --verify --json "$T/$1.gtr" >"$T/verify" || fail "$1: $(cat "$T/verify")"
	python3 - "$1" "$T/verify" <<'PY' || fail "$1: $(cat "$T/verify")"
import json, sys
v = json.load(open(sys.argv[2]))
assert v["lost"] == 0 and v["threads"]["changes"] > 50 and v["threads"]["unexplained"] == 0, v["threads"]
PY
}

# More threads at work than there are CPUs.
n=$(($(nproc) * 3))
"$GTREC" -q --events=sched -o "$T/hogs.gtr" -- "$(subject hogs)" -n "$n" -d 2s >"$T/hogs.out"
possible hogs
"$GTREPLAY" --json "$T/hogs.gtr" >"$T/hogs.log"
"$DUMP" "$T/hogs.gtr" >"$T/hogs.info"
python3 tests/live/kernel_counts.py "$n" "$T/hogs.out" "$T/hogs.log" "$T/hogs.info" || fail "hogs: not as the kernel counts"

"$GTSTAT" sched --json --top 0 "$T/hogs.gtr" >"$T/hogs.sums"
python3 - "$T/hogs.log" "$T/hogs.sums" <<'PY' || fail "hogs: gtstat adds up something else"
import json, sys
log = [s for s in map(json.loads, open(sys.argv[1])) if "thread" in s]
sums = json.load(open(sys.argv[2]))
for t in sums["threads"]:
    mine = [s for s in log if s["tid"] == t["tid"]]
    assert t["slices"] == sum(s.get("why") == "gets a CPU" for s in mine), t
    assert t["ns"]["ready"] == sum(s["was_ns"] for s in mine if s["was"] == "ready"), t
# More threads than CPUs: what Go calls running mostly has none.
assert sums["running_ns"]["ready"] > 1e9 and sums["thread"]["runq"]["wait"]["count"] > 50, sums
PY

goid=$(python3 -c '
import json, sys
print(next(s["goid"] for s in map(json.loads, open(sys.argv[1])) if s.get("func") == "main.main.func1"))' "$T/hogs.log")
"$GTREPLAY" -g "$goid" "$T/hogs.gtr" >"$T/life"
grep -q 'running .* on thread .* without a CPU [0-9]* times: ready ' "$T/life" || fail "hogs: a life does not tell it"
grep -q 'running, but without a CPU: [0-9.]*m*s ready' "$T/life" || fail "hogs: a life does not sum it up"

# Where gtrec is in a pid namespace, all threads have that one's numbers, in all their events.
unshare -pf --mount-proc "$GTREC" -q --events=sched -o "$T/inside.gtr" -- "$(subject hogs)" -n 3 -d 300ms >"$T/out"
possible inside
"$GTREPLAY" --json "$T/inside.gtr" | python3 -c '
import json, sys
s = [json.loads(x) for x in sys.stdin]
k, g = ({x["tid"] for x in s if (w in x) and x.get("tid")} for w in ("thread", "from"))
assert k and g and g <= k and max(k) < 200, (k, g)' || fail "inside: thread numbers"

# Two at once, attached: each its own.
start "$(subject hogs)" -n 2 -d 20s >"$T/a.out"
a=$PID
start "$(subject pingpong)" -n 100000000 -d 20s >"$T/b.out"
b=$PID
wait_for 20 grep -q ready "$T/a.out"
wait_for 20 grep -q ready "$T/b.out"
"$GTREC" -q --events=sched -d 500ms -o "$T/two.gtr" -p "$a,$b"
possible two
"$GTREPLAY" --json "$T/two.gtr" | python3 -c '
import json, os, sys
a, b = map(int, sys.argv[1:])
seen = {a: set(), b: set()}
for s in map(json.loads, sys.stdin):
    if "thread" in s:
        seen[s["pid"]].add(s["tid"])
for pid in seen:
    mine = {int(t) for t in os.listdir("/proc/%d/task" % pid)}
    assert seen[pid] and seen[pid] <= mine, (pid, seen, mine)' "$a" "$b" || fail "two: threads of another process"
end_all

# Children are followed.
"$GTREC" -q -f --events=sched -o "$T/children.gtr" -- "$(subject children)" -n 3 >"$T/out"
possible children
"$GTREPLAY" --json "$T/children.gtr" | python3 -c '
import json, sys
s = [json.loads(x) for x in sys.stdin]
k, g = ({x["pid"] for x in s if w in x} for w in ("thread", "from"))
assert len(g) > 1 and g <= k, (k, g)' || fail "children: not every process has threads"

# Major page faults: as many as the kernel counts for the process, each in the map, in the goroutine.
disk=$(mktemp -d -p "$O" faults.XXXXXX)
trap 'end_all; rm -rf "$disk"' EXIT
"$GTREC" -q --events=fault -o "$T/faults.gtr" -- "$(subject faults)" -n 200 -file "$disk/file" >"$T/faults.out"
"$GTREPLAY" --json "$T/faults.gtr" >"$T/faults.log"
rc=0
python3 - "$T/faults.out" "$T/faults.log" <<'PY' || rc=$?
import json, sys
out, log = ([json.loads(x) for x in open(f)] for f in sys.argv[1:])
told = out[-1]
n = told["after"] - told["before"]
if n < 100:
    sys.exit(77)
lo, hi = told["base"], told["base"] + told["size"]
ours = [s for s in log if s.get("fault") == "major"]
mine = [s for s in ours if lo <= int(s["address"], 16) < hi]
at = {s.get("at", "").split(" ")[0] for s in mine}
who = {s["goid"] for s in log if s.get("func") == "main.main.func1"}
assert len(mine) == n, (len(mine), n)
assert at == {"main.touch"} and {s.get("goid") for s in mine} == who, (at, who)
PY
case $rc in
77) echo "no major faults here: the file stays in memory" ;;
0) ;;
*) fail "faults: not as the kernel counts" ;;
esac

# Where the kernel has no types: a clear word, and nothing is left behind.
if unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf' 2>"$T/err"; then
	without() {
		unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' sh "$@"
	}
	rc=0
	without "$GTREC" --events=sched -o "$T/no.gtr" -- "$(subject hogs)" -d 1s 2>"$T/err" || rc=$?
	eq "no BTF, launched" "$rc" 125
	grep -q "needs the kernel's own types" "$T/err" || fail "no BTF: $(cat "$T/err")"
	[ ! -e "$T/no.gtr" ] || fail "no BTF: a trace was left"
	rc=0
	without "$GTREC" --events=fault -o "$T/no.gtr" -p $$ 2>"$T/err" || rc=$?
	eq "no BTF, attached" "$rc" 4
	without "$GTREC" doctor >"$T/doctor" || fail "no BTF: doctor: $(cat "$T/doctor")"
	grep -q '^warn.*--events=sched' "$T/doctor" || fail "no BTF: doctor says nothing of it"
	without "$GTREC" -q -o "$T/no.gtr" -- "$(subject hogs)" -n 1 -d 10ms >"$T/out" || fail "no BTF: nothing else works"
fi
"$GTREC" doctor | grep -q '^ok.*--events=sched' || fail "doctor does not tell that the kernel's view is there"
