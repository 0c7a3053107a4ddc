#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Which M each goroutine runs on: as the runtime's own schedtrace has it, at the goroutine's last
# change of state and in the thread's row, on five lines of Go. Locked to its
# thread when it is so (a snapshot tells). The size of a stack after it has grown, and of one read.
# timeout: 200
. "$(dirname "$0")/../lib.sh"
need_bpf
need python3

cat >"$T/compare.py" <<'PY'
import json, re, sys
trace, sched, dump = sys.argv[1:]
said = {}  # goid -> (m, locked), of those that are in a system call
for g, m, locked in re.findall(r"G(\d+): status=3\(.*?\) m=(\d+) lockedm=(\S+)", open(sched).read()):
    said[int(g)] = (int(m), locked not in ("nil", "-1"))
last = {}
for s in map(json.loads, open(trace)):
    if s.get("to") == "syscall":
        last[s["goid"]] = s.get("m")
at = {g["goid"]: g for g in json.load(open(dump))["goroutines"]}
workers = [g for g in said if (at.get(g, {}).get("func") or "").startswith("main.")]
assert len(workers) == 20, f"{len(workers)} workers in the runtime's list"
for g in workers:
    assert last[g] == said[g][0], f"goroutine {g}: m {last[g]}, the runtime says {said[g][0]}"
    assert at[g]["m"] == said[g][0], f"goroutine {g}: its thread is M {at[g]['m']}"
    assert at[g]["locked"] == said[g][1], f"goroutine {g}: locked {at[g]['locked']}, the runtime says {said[g][1]}"
    assert at[g]["stack_bytes"] in (2048, 4096, 8192), f"goroutine {g}: a stack of {at[g]['stack_bytes']} bytes"
PY

check() {
	"$GTREPLAY" --verify "$T/t.gtr" >"$T/verify" || fail "$1: $(cat "$T/verify")"
	"$GTREPLAY" --json "$T/t.gtr" >"$T/steps"
	"$GTREPLAY" -q --json --at -0s "$T/t.gtr" >"$T/at"
	python3 "$T/compare.py" "$T/steps" "$T/sched" "$T/at" || fail "$1"
}

for v in local 1.17 1.20 1.21 1.23; do
	program=$(subject threads "$v")
	rm -f "$T"/t.gtr*
	GODEBUG=schedtrace=50,scheddetail=1 "$GTREC" -q -d 1500ms -o "$T/t.gtr" -- "$program" -n 20 -d 60s >"$T/out" 2>"$T/sched" || true
	check "Go $v"
done

# ---- a stack that grows ----
for v in local 1.17; do
	"$GTREC" -q -o "$T/g.gtr" -- "$(subject recursion "$v")" -n 3 >"$T/out"
	"$GTSTAT" goroutines --json "$T/g.gtr" >"$T/gor"
	python3 - "$T/gor" "$v" <<'PY' || fail "stacks that grow, Go $v"
import json, sys
deep = [g["stack_bytes"] for g in map(json.loads, open(sys.argv[1])) if (g["func"] or "").startswith("main.main.func")]
# 20000 calls of more than 100 bytes, in a power of two that is not twice what it must be, or little more
assert len(deep) == 3 and all(2 << 20 <= b <= 8 << 20 and b & (b - 1) == 0 for b in deep), deep
PY
done
