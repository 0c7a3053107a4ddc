#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gtrec --max-overhead 1%: slices of trace with samples between them. The same run is recorded in full at the
# same time, so that nothing but the recording differs: shares of time, by reason for waiting, are those of the
# full trace within the error that gtstat gives them. By gtrec's own count and price of hits the budget holds.
# That it does by the target's CPU time as well is for tests/bench/budget, which needs a quiet machine.
# timeout: 120
. "$(dirname "$0")/../lib.sh"
need_bpf
need python3

start "$(subject bursty)" -n 3000 -d 12s >"$T/out"
pid=$PID
wait_for 20 grep -q ready "$T/out"
start "$GTREC" -q -o "$T/full.gtr" -p "$pid" 2>"$T/full.err"
full=$PID
wait_for 20 test -e "$T/full.gtr"
start "$GTREC" -q -v --max-overhead 1% -o "$T/part.gtr" -p "$pid" 2>"$T/part.err"
part=$PID
wait "$full" || fail "the full one: status $?: $(cat "$T/full.err")"
wait "$part" || fail "status $?: $(cat "$T/part.err")"
"$GTREPLAY" --verify --json "$T/part.gtr" >"$T/verify" || fail "$("$GTREPLAY" --verify "$T/part.gtr")"
"$GTREPLAY" --verify "$T/full.gtr" >"$T/text" || fail "the full one: $(cat "$T/text")"
"$GTSTAT" --json "$T/part.gtr" >"$T/part.sum" 2>/dev/null
"$GTSTAT" --json "$T/full.gtr" >"$T/full.sum" 2>/dev/null
for view in goroutines lifetimes blocks runq leaks; do
	"$GTSTAT" $view "$T/part.gtr" >/dev/null 2>&1 || fail "gtstat $view"
done
"$GTEXPORT" -q -o "$T/x.json" "$T/part.gtr" || fail "gtexport"
python3 tests/scripts/chrome_validate.py "$T/x.json" >"$T/text" || fail "chrome: $(cat "$T/text")"

python3 - "$T" <<'PY' || fail "a budget's trace against the full one"
import json, re, sys
t = sys.argv[1]
part, full, verify = (json.load(open(f"{t}/{x}")) for x in ("part.sum", "full.sum", "verify"))
err = open(t + "/part.err").read()
price = float(re.search(r"at (\d+) ns a hit", err).group(1))
span = part["span_ns"]
hits = sum(n for k, n in verify["kinds"].items() if k in ("status", "syscall_enter", "syscall_exit", "preempt"))
cost = hits * price / span
slices = len(re.findall(r"probes in in", err))
assert slices >= 2 and verify["kinds"]["gap_sample"] > 100, (slices, verify["kinds"])
assert cost < 0.015, f"{hits} hits of {price} ns in {span} ns are {100 * cost:.2f} % of a core"
assert 0.5 * span < part["gaps_ns"] < span, (part["gaps_ns"], span)
assert full["gaps"] == 0 and full["goroutine_block_ratio_error"] == 0 and full["lost"] == 0
compared = 0
for reason, b in full["block"].items():
    if b["share"] < 0.03:
        continue
    got = part["block"][reason]
    off, may = abs(got["share"] - b["share"]), 2 * got["share_error"] + 0.03
    print(f"{reason}: {b['share']:.3f} in full, {got['share']:.3f} +- {got['share_error']:.3f}")
    assert off <= may, f"{reason}: {off:.3f} off, at most {may:.3f}"
    compared += 1
assert compared >= 3, full["block"].keys()
off = abs(part["goroutine_block_ratio"] - full["goroutine_block_ratio"])
assert off <= 2 * part["goroutine_block_ratio_error"] + 0.03, (part["goroutine_block_ratio"], full["goroutine_block_ratio"])
print(f"{slices} slices, {hits} hits of {price:.0f} ns: {100 * cost:.2f} % of a core, {part['gaps']} gaps")
PY

# ---- a command begins traced, and its status is its own ----
rc=0
"$GTREC" -q --max-overhead 1% -o "$T/c.gtr" -- "$(subject exitcode)" -code 7 || rc=$?
eq "status of the command" $rc 7
"$GTREPLAY" --verify "$T/c.gtr" >"$T/text" || fail "command: $(cat "$T/text")"
