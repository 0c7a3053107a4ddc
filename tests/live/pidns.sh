#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Pid namespaces: the target in one of its own (launched and attached), and gtrec inside one. The
# events are the program's, all of them, and threads are known by the host's numbers.
# timeout: 120
. "$(dirname "$0")/../lib.sh"
need_bpf
need unshare nsenter

prog=$(subject workerpool)
server=$(subject sigterm)

# whole NAME TRACE: no loss, a possible history, and as many goroutines as a plain run has.
whole() {
	"$GTREPLAY" --verify "$2" >"$T/verify" || fail "$1: $(cat "$T/verify")"
	"$GTSTAT" goroutines --json "$2" | grep -c '"func":"main\.' >"$T/n" || true
	eq "$1: goroutines of main" "$(cat "$T/n")" "$3"
	"$GTSTAT" summary --json "$2" >"$T/summary"
	eq "$1: lost" "$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["lost"])' "$T/summary")" 0
}

"$GTREC" -q -o "$T/plain.gtr" -- "$prog" >"$T/out"
want=$("$GTSTAT" goroutines --json "$T/plain.gtr" | grep -c '"func":"main\.')
[ "$want" -gt 0 ] || fail "the plain run has no goroutine of main"

"$GTREC" -q -o "$T/launched.gtr" -- unshare -pf "$prog" >"$T/out"
whole "target in a namespace, launched" "$T/launched.gtr" "$want"

"$GTREC" -q -o "$T/nested.gtr" -- unshare -pf unshare -pf "$prog" >"$T/out"
whole "two namespaces deep" "$T/nested.gtr" "$want"

unshare -pf --mount-proc "$GTREC" -q -o "$T/inside.gtr" -- "$prog" >"$T/out"
whole "gtrec inside, launched" "$T/inside.gtr" "$want"

# Threads carry the host's numbers, which are large, and gtrec's where it is in a namespace itself;
# all of them have their names and the numbers that Go knows.
DUMP=$O/tests/golden/gtdump
[ -x "$DUMP" ] || skip "gtdump is not built: make unit"
unshare -pf --mount-proc "$GTREC" -q -o "$T/deeper.gtr" -- unshare -pf "$prog" >"$T/out"
whole "gtrec inside, target deeper" "$T/deeper.gtr" "$want"
for t in launched nested inside deeper; do
	"$GTREPLAY" --json "$T/$t.gtr" >"$T/steps"
	"$DUMP" "$T/$t.gtr" | grep '"thread"' >"$T/threads"
	python3 - "$t" "$T/steps" "$T/threads" <<'PY' || fail "$t: thread numbers"
import json, sys
name, steps, threads = sys.argv[1:]
tids = {s["tid"] for s in map(json.loads, open(steps)) if s.get("tid")}
rows = [json.loads(x)["thread"] for x in open(threads)]
assert tids and tids == {r["tid"] for r in rows}, (name, sorted(tids), rows)
assert (min(tids) > 100) == (name in ("launched", "nested")), (name, sorted(tids))
assert all(r["ns_tid"] < 100 and r["comm"].startswith("workerpool") for r in rows), (name, rows)
PY
done

# Attached: unshare's child is the target; its number inside is 1.
start unshare -pf --kill-child "$server" -d 60s >"$T/ready"
outer=$PID
wait_for 20 grep -q ready "$T/ready"
eq "pid inside" "$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$T/ready")" 1
target=$(cat "/proc/$outer/task/$outer/children")
target=${target%% *}
"$GTREC" -q -d 300ms -o "$T/attached.gtr" -p "$target"
"$GTREPLAY" --verify "$T/attached.gtr" >"$T/verify" || fail "attached: $(cat "$T/verify")"
"$GTREPLAY" --at -1ms "$T/attached.gtr" >"$T/at"
grep -q 'main\.main' "$T/at" || fail "attached: main is not in the snapshot"

# Both inside: gtrec enters the target's namespace, where it is pid 1.
nsenter -t "$target" -p unshare -m sh -c "mount -t proc proc /proc && exec '$GTREC' -q -d 300ms -o '$T/both.gtr' -p 1" ||
	fail "gtrec in the target's own namespace"
"$GTREPLAY" --at -1ms "$T/both.gtr" >"$T/at"
grep -q 'main\.main' "$T/at" || fail "both inside: main is not in the snapshot"
kill "$target"
