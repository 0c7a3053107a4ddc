#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What readers make of stops of the world, collections, the heap, GOMAXPROCS and full run queues: a
# golden trace of one collection, whose figures are known.
. "$(dirname "$0")/../lib.sh"
need python3
trace=tests/golden/runtime-facts.gtr

"$GTREPLAY" -q $trace | tail -n +2 | sed 's/^\([0-9.]*\) .*  -  /\1 /; s/^\([0-9.]*\) .* \(P2\)  /\1 \2 /' >"$T/log"
diff - "$T/log" <<'EOF' || fail "the log differs"
0.000000005 GOMAXPROCS is 8
0.000000100 the world was stopped for 60ns, stopping it took 20ns: GC sweep termination
0.000000100 GC: mark begins, heap 3.8M
0.000000100 GC: heap goal 4.8M
0.000000880 GC: mark termination begins, heap 4.4M
0.000000880 GC: heap goal 4.8M
0.000000900 the world was stopped for 60ns, stopping it took 20ns: GC mark termination
0.000000900 GC: sweep begins, heap 1.9M
0.000000900 GC: heap goal 4.8M
0.000000950 P2 its run queue is full: half of it goes to the global one
EOF

"$GTREPLAY" -q --json $trace >"$T/log.json"
"$GTSTAT" -q gc --json $trace >"$T/gc.json"
"$GTSTAT" -q --json $trace >"$T/summary.json"
"$GTEXPORT" -q -f chrome -o "$T/chrome.json" $trace
python3 - "$T" <<'EOF' || fail "JSON"
import json
import sys

def load(name):
    with open(f"{sys.argv[1]}/{name}.json", encoding="utf-8") as f:
        return json.load(f)

def is_(what, got, want):
    if got != want:
        sys.exit(f"{what}: {got}, expected {want}")

with open(f"{sys.argv[1]}/log.json", encoding="utf-8") as f:
    log = [json.loads(line) for line in f]
is_("lines", len(log), 10)
is_("stop", log[1], {"t_ns": 100, "cpu": 0, "pid": 71, "tid": 7, "stw": "GC sweep termination", "duration_ns": 60,
                     "stopping_ns": 20})
is_("phase", log[7], {"t_ns": 900, "cpu": 0, "pid": 71, "tid": 7, "gc": "sweep", "heap_live": 2000000})
is_("overflow", log[9], {"t_ns": 950, "cpu": 0, "pid": 71, "tid": 7, "runq": "overflow", "p": 2})
gc = load("gc")
is_("cycles", [gc["cycles"], gc["heap_max"], gc["gomaxprocs"]], [1, 4600000, 8])
is_("list", gc["list"], [{"t_ns": 100, "mark_ns": 780, "heap_start": 4000000, "heap_end": 4600000,
                          "heap_marked": 2000000, "heap_goal": 5000000}])
is_("reasons", {r["reason"]: [r["count"], r["total_ns"]] for r in gc["stw"]["reasons"]},
    {"GC mark termination": [1, 60], "GC sweep termination": [1, 60]})
is_("stopping", [gc["stw"]["stopping"]["count"], gc["stw"]["stopping"]["max"]], [2, 20])
s = load("summary")
is_("metrics", [s["gc"]["cycles"], s["gc"]["stw"]["p99"], s["gc"]["stw"]["total"], s["runq"]["overflows"]],
    [1, 60, 120, 1])
events = load("chrome")
is_("slices", sorted((e["name"], round(e["ts"] * 1000), round(e["dur"] * 1000)) for e in events if e["ph"] == "X"),
    [("GC mark", 100, 780), ("STW: GC mark termination", 840, 60), ("STW: GC sweep termination", 40, 60)])
is_("counters", [(e["name"], e["args"]) for e in events if e["ph"] == "C"],
    [("GOMAXPROCS", {"GOMAXPROCS": 8})] + [("heap", {"live": n, "goal": 5000000}) for n in (4000000, 4600000, 2000000)])
EOF

# A trace of which nothing was asked says that nothing is known, not that nothing happened.
"$O/tests/sample" random 9 2000 "$T/t.gtr"
"$GTSTAT" -q gc "$T/t.gtr" >"$T/out"
grep -q '^collections  *not recorded' "$T/out" || fail "without the facts: $(cat "$T/out")"
"$GTSTAT" -q gc --json "$T/t.gtr" | grep -q '"cycles":null' || fail "without the facts there are figures"
"$GTSTAT" -q --json "$T/t.gtr" | grep -q '"gc":{"cycles":null' || fail "without the facts the summary has figures"
