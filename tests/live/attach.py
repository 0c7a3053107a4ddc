# SPDX-License-Identifier: BSD-2-Clause
"""attach.py dump DUMP AT: a debug=2 dump against gtreplay --at, goroutine by goroutine.

attach.py site PID EXE: "clean" or how many bytes of casgstatus differ in the process's memory.
"""
import re
import subprocess
import sys


def goroutines(path):
    """goid -> (reason, frames as (function, file:line), creator as (function, file:line))."""
    found = {}
    for block in open(path, encoding="utf-8").read().split("\n\n"):
        lines = block.strip().splitlines()
        if not lines or not lines[0].startswith("goroutine "):
            continue
        head = re.match(r"goroutine (\d+)(?: gp=.*?)? \[([^\],]*)", lines[0])
        frames, creator = [], None
        for func, place in zip(lines[1::2], lines[2::2]):
            place = place.strip().split(" +0x")[0]
            if func.startswith("created by "):
                creator = (func[11:].split(" in goroutine ")[0], place)
            else:
                frames.append((func[: func.rindex("(")], place))
        found[int(head.group(1))] = (head.group(2), frames, creator)
    return found


def dump(wanted, got):
    wanted, got = goroutines(wanted), goroutines(got)
    wrong = [f"only in the dump: {sorted(wanted.keys() - got.keys())[:5]}"] if wanted.keys() - got.keys() else []
    if got.keys() - wanted.keys():
        wrong.append(f"only in the trace: {sorted(got.keys() - wanted.keys())[:5]}")
    for g in sorted(wanted.keys() & got.keys()):
        if wanted[g][0] == "running":  # the one that wrote the dump has moved on
            continue
        for what, a, b in zip(("reason", "stack", "creator"), wanted[g], got[g]):
            if a != b:
                wrong.append(f"goroutine {g}, {what}: the program says {a}, the trace {b}")
    for w in wrong[:8]:
        print(w)
    print(f"{len(wanted)} goroutines, {len(wrong)} differences")
    return 1 if wrong or len(wanted) < 8 else 0


def site(pid, exe):
    """Of a program that is not PIE: addresses in the file are those in memory."""
    text = subprocess.run(["readelf", "-sW", exe], capture_output=True, text=True, check=True).stdout
    row = next(x.split() for x in text.splitlines() if x.endswith(" runtime.casgstatus"))
    addr, size = int(row[1], 16), int(row[2])
    text = subprocess.run(["readelf", "-SW", exe], capture_output=True, text=True, check=True).stdout
    sec = re.search(r"\] \.text\s+PROGBITS\s+([0-9a-f]+)\s+([0-9a-f]+)", text)
    with open(exe, "rb") as f:
        f.seek(addr - int(sec.group(1), 16) + int(sec.group(2), 16))
        own = f.read(size)
    with open(f"/proc/{pid}/mem", "rb") as f:
        f.seek(addr)
        now = f.read(size)
    differ = sum(a != b for a, b in zip(own, now))
    print("clean" if not differ else f"{differ} changed")
    return 0


if __name__ == "__main__":
    sys.exit(dump(*sys.argv[2:]) if sys.argv[1] == "dump" else site(*sys.argv[2:]))
