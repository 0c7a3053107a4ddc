# SPDX-License-Identifier: BSD-2-Clause
"""workerpool.py FACTS STEPS GOROUTINES: what the program says of itself against its trace."""
import collections
import json
import sys


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(x) for x in f if x.strip()]


facts = [x for x in lines(sys.argv[1]) if "waits" in x]
steps = lines(sys.argv[2])
rows = {x["goid"]: x for x in lines(sys.argv[3])}
wrong = []


def expect(what, got, want):
    if got != want:
        wrong.append(f"{what}: the trace says {got!r}, the program {want!r}")


expect("how many facts", len(facts), 4)
first = next((s for s in steps if "goid" in s), {})
expect("the first goroutine seen", first.get("goid"), 1)
expect("time of the first event is near 0", first.get("t_ns", 10**12) < 10**9, True)

for f in facts:
    g = f["goid"]
    row = rows.get(g)
    if row is None:
        wrong.append(f"goroutine {g} is missing")
        continue
    name = f"goroutine {g}"
    expect(name + ", entry", row["func"], f["func"])
    expect(name + ", parent", row["parent"] or 0, f["parent"])
    if "site" in f:
        # The site as `function file:line`; the path is as the binary has it.
        expect(name + ", site", row["site"], f["site"])
        expect(name + ", is the program's own", row["system"], False)
        # Its last words wake main, which may end the process before it is quite gone.
        last = [s for s in steps if s.get("goid") == g and "to" in s][-1]
        expect(name + ", ended or on its way", row["ended_ns"] is not None or last["to"] in ("running", "runnable"), True)
    mine = [s for s in steps if s.get("goid") == g and "to" in s]
    waits = collections.Counter(s["reason"] for s in mine if s["to"] == "waiting" and not s.get("repair"))
    expect(name + ", waits", {k: v for k, v in waits.items() if k in f["waits"] or "goid" not in f}, f["waits"])
    if f["func"] != "runtime.main":
        expect(name + ", all its waits", dict(waits), f["waits"])
    for a, b in zip(mine, mine[1:]):
        if a["to"] != b["from"]:
            wrong.append(f"{name}: {a['to']} at {a['t_ns']} is followed by {b['from']} -> {b['to']}")
    blocked = sum(row["blocked_ns"].values())
    total = row["runnable_ns"] + row["running_ns"] + row["syscall_ns"] + row["waiting_ns"]
    expect(name + ", blocked by reason adds up", blocked <= row["waiting_ns"], True)
    if row["created_ns"] is not None and row["ended_ns"] is not None:
        expect(name + ", states add up to its life", total, row["ended_ns"] - row["created_ns"])

expect("no loss, no repair", [s for s in steps if "lost" in s or s.get("repair") not in (None, "unseen preempt")], [])
for w in wrong:
    print(w)
sys.exit(1 if wrong else 0)
