#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Collections as the runtime itself tells them with GODEBUG=gctrace=1, on every line of Go: as many, with
# the same sizes of the heap, and stops of the world for the reasons that the program gives them;
# also where symbols are gone and the collector's figures have to be found in the code.
# timeout: 400
. "$(dirname "$0")/../lib.sh"
need_bpf
need python3

# collect GOVERSION [OPTION...]
collect() {
	local name="Go $*"
	rm -f "$T"/t.gtr*
	GODEBUG=gctrace=1 "$GTREC" -q --events=gc -o "$T/t.gtr" -- "$(subject gcstress "$@")" -d 1s >"$T/out" 2>"$T/err" ||
		fail "$name: $(cat "$T/err")"
	"$GTREPLAY" --verify "$T/t.gtr" >"$T/verify" || fail "$name: $(cat "$T/verify")"
	"$GTREPLAY" -q --json "$T/t.gtr" >"$T/log"
	"$GTSTAT" -q gc --json -n 0 "$T/t.gtr" >"$T/gc"
	python3 - "$T" "${1#1.}" <<'EOF' || fail "$name"
import json
import re
import sys

folder, minor = sys.argv[1], int(sys.argv[2])
with open(folder + "/gc", encoding="utf-8") as f:
    gc = json.load(f)
with open(folder + "/err", encoding="utf-8") as f:
    told = [tuple(map(int, m)) for m in
            re.findall(r"^gc \d+ @.* (\d+)->(\d+)->(\d+) MB, (\d+) MB goal", f.read(), re.M)]
with open(folder + "/log", encoding="utf-8") as f:
    log = [json.loads(line) for line in f]

def is_(what, got, want):
    if got != want:
        sys.exit(f"{what}: {got}, expected {want}")

if len(told) < 2:
    sys.exit("the program hardly collected")
# The last one may be told while the program ends.
if gc["cycles"] not in (len(told), len(told) + 1):
    sys.exit(f"{gc['cycles']} collections, gctrace has {len(told)}")
for i, (start, end, marked, goal) in enumerate(told):
    c = gc["list"][i]
    is_(f"gc {i + 1}: heap at its end and after", [c["heap_end"] >> 20, c["heap_marked"] >> 20], [end, marked])
    # The heap at its begin it notes while others still allocate, until the world has stopped.
    if not start <= c["heap_start"] >> 20 <= end:
        sys.exit(f"gc {i + 1}: heap at its begin {c['heap_start']}, gctrace says {start} MB, later {end} MB")
    if abs((c["heap_goal"] >> 20) - goal) > 1:
        sys.exit(f"gc {i + 1}: goal {c['heap_goal']}, gctrace says {goal} MB")
stops = {r["reason"]: r["count"] for r in gc["stw"]["reasons"]}
is_("reasons", sorted(stops), ["GC mark termination", "GC sweep termination", "read mem stats"])
is_("stops to read the figures", stops["read mem stats"], 1)
# One may have begun as the program ended; one that finds work left over stops the world again.
if stops["GC sweep termination"] - gc["cycles"] not in (0, 1) or stops["GC mark termination"] < gc["cycles"]:
    sys.exit(f"stops: {stops}, {gc['cycles']} collections")
is_("GOMAXPROCS", [e["gomaxprocs"] for e in log if "gomaxprocs" in e], [gc["gomaxprocs"]])
# Who asked for a stop: the goroutine that reads the figures is the main one.
is_("by", [e["by"] for e in log if e.get("stw") == "read mem stats"], [1])
stopping = [e for e in log if "stw" in e]
is_("stopping is told", all("stopping_ns" in e for e in stopping), minor >= 23)
if any(e.get("stopping_ns", 0) > e["duration_ns"] for e in stopping):
    sys.exit("stopping took longer than the stop")
EOF
}

for v in 1.17 1.18 1.19 1.20 1.21 1.22 1.23 1.24 1.25 1.26; do
	collect $v
done
for v in 1.17 1.20 1.26; do
	collect $v stripped pie
done
