#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Does docs/python/gtrace make of traces what gtdump does? TRACE JSON..., JSON being the lines of gtdump.

Says the first line that differs. What damage has cost libgtrace may know from an index: the Python reader has none."""
import itertools
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/python"))
import gtrace  # noqa: E402

INFO = ("session", "version", "quantum", "start", "wall", "cpus", "host", "tool")
NAMES = {
    "process": ("process", "pid", "start", "seen", "launched", "gomaxprocs", "exe", "go", "reasons"),
    "stats": ("ts", "events", "lost", "bytes"),
}


def line_of(kind, item):
    if kind == "key":
        return item
    if kind == "clock":
        return {kind: [item["mono"], item["boot"], item["wall"], item["error"]]}
    if kind == "error":
        return {kind: item["code"]}
    said = {name: item[name] for name in NAMES.get(kind, item)} if isinstance(item, dict) else item
    if kind == "process" and item["end_how"]:
        said["end"] = [item["end"], item["end_how"], item["end_status"]]
    return {kind: said}


def lines(path):
    try:
        t = gtrace.Trace(path, keyframes=True)
    except gtrace.Error as e:
        yield {"refused": e.code}
        return
    yield {"info": dict({name: t.info[name] for name in INFO}, indexed=False)}
    for kind, item in t:
        yield line_of(kind, item)
    for pc in range(1, 200):
        if not t.frames(pc):
            break
        yield {"pc": pc, "class": t.pcs[pc]["class"], "frames": [list(f) for f in t.frames(pc)[:8]]}
    for stack in range(1, 200):
        if not t.stack(stack):
            break
        yield {"stack": stack, "pcs": t.stack(stack)[:64]}
    yield {"damage": t.damage}


def wanted(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        for said in map(json.loads, f):
            if said.get("loss", {}).get("cause") in (3, 4):
                said["loss"]["count"] = 0
            if "info" in said:
                said["info"]["indexed"] = False
            yield said


names = sys.argv[1:]
events = 0
for trace, dump in zip(names[::2], names[1::2]):
    for got, want in itertools.zip_longest(lines(trace), wanted(dump)):
        if got != want:
            sys.exit(f"{trace}: {json.dumps(got)} where gtdump says {json.dumps(want)}")
        events += "event" in got
print(f"{len(names) // 2} traces, {events} events")
