# SPDX-License-Identifier: BSD-2-Clause
"""The threads' changes of a trace against what the kernel counted for them, as `hogs` printed it.

    kernel_counts.py THREADS OUTPUT LOG INFO

The program read each thread's counts somewhere between two times, so that the changes between lie in
a range: it must hold the count. What the kernel did not tell (the trace says how often) widens it.
"""
import json
import sys

LATE = 3000000  # ns: a virtual CPU may stand still between a change and its count

n, out, log, info = sys.argv[1:]
start = json.loads(open(info).readline())["info"]["start"]
counts = [json.loads(x) for x in open(out)]
changes = {}
for s in map(json.loads, open(log)):
    if "thread" in s:
        s["t"] = s["t_ns"] + start
        changes.setdefault(s["tid"], []).append(s)

BORN = dict.fromkeys(("t0", "t1", "run", "wait", "slices", "voluntary", "involuntary"), 0)
first = {c["tid"]: c for c in counts if c.get("when") == "before"}
WHAT = {
    "slices": lambda s: s["thread"] == "on a CPU" and s.get("why") == "gets a CPU",
    "involuntary": lambda s: s.get("why") == "preempted",
    "voluntary": lambda s: s.get("why") in ("sleeps", "blocks", "stopped"),
}
SUMS = {
    "run": lambda s: s["was_ns"] if s["was"] == "on a CPU" else 0,
    "wait": lambda s: s["was_ns"] if s["was"] == "ready" else 0,
}
width = threads = not_told = 0
report = []
for a in counts:
    if a.get("when") != "after":
        continue
    b, c = first.get(a["tid"], BORN), changes[a["tid"]]

    def between(t0, t1, value):
        return sum(value(s) or 0 for s in c if t0 < s["t"] <= t1)

    threads += 1
    missing = sum(1 for s in c if s.get("missing"))
    unknown = sum(s["t"] - c[i - 1]["t"] for i, s in enumerate(c) if s.get("missing"))
    not_told += missing
    line = "%d: " % a["tid"]
    total = [0, 0, 0]
    for name, is_it in WHAT.items():
        lo, hi = between(b["t1"], a["t0"] - LATE, is_it), between(b["t0"] - LATE, a["t1"], is_it)
        got = a[name] - b[name]
        line += "%s %d in [%d,%d+%d]  " % (name, got, lo, hi, missing)
        width += hi - lo
        if name == "slices":
            assert lo <= got <= hi + missing, line
        else:  # a sleep that a signal called off counts as voluntary, and is ready in its event
            total = [total[0] + lo, total[1] + got, total[2] + hi]
    assert total[0] <= total[1] <= total[2] + missing, line
    for name, value in SUMS.items():
        lo, hi = between(b["t1"], a["t0"] - LATE, value), between(b["t0"] - LATE, a["t1"], value)
        got = a[name] - b[name]
        # The kernel's run time is as of its last tick; between what it did not tell and the change
        # before, either may be.
        slack = 0.03 * max(got, hi) + 20e6 + unknown
        line += "%s %.1f in [%.1f,%.1f] ms  " % (name, got / 1e6, lo / 1e6, hi / 1e6)
        assert lo - slack <= got <= hi + slack, line
    report.append(line)
print("\n".join(report))
print("%d threads, ranges of %.2f in the mean, %d changes not told by the kernel"
      % (threads, width / 3 / threads, not_told))
assert threads >= int(n), "few threads"
assert width / 3 / threads < 8, "too wide to tell anything"
