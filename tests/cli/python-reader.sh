#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# docs/python/gtrace reads what libgtrace reads: every golden trace, sound and damaged, traces of the
# writer, and pieces of them, line by line the same.
. "$(dirname "$0")/../lib.sh"

need python3
DUMP=$O/tests/golden/gtdump
[ -x "$DUMP" ] || skip "gtdump is not built: make unit"

args=()
for f in tests/golden/*.gtr; do
	args+=("$f" "${f%.gtr}.json")
done
[ ${#args[@]} -ge 40 ] || fail "only $((${#args[@]} / 2)) golden traces"

# Of our writer: compressed, several processes, keyframes, stacks.
"$O/tests/sample" random 5 1500 "$T/r.gtr"
"$DUMP" -w "$T/w.gtr" 4000
size=$(stat -c %s "$T/w.gtr")
head -c $((size * 2 / 3)) "$T/w.gtr" >"$T/cut.gtr"
cp "$T/w.gtr" "$T/hole.gtr"
dd if=/dev/zero of="$T/hole.gtr" bs=1 seek=$((size / 2 + 1)) count=300 conv=notrunc status=none
blocks=$((size / 24)) # a third is left before the gap and half behind it, at multiples of 4
{ head -c $((blocks * 8)) "$T/w.gtr" && tail -c +$((blocks * 12 + 1)) "$T/w.gtr"; } >"$T/gone.gtr"
for f in r w cut hole gone; do
	"$DUMP" "$T/$f.gtr" >"$T/$f.json"
	args+=("$T/$f.gtr" "$T/$f.json")
done
grep -q '"cause":4' "$T/gone.json" || grep -q '"cause":3' "$T/gone.json" || fail "the damage costs nothing"
[ "$(sed '1,/"cause":[34]/d' "$T/gone.json" | grep -c '"event"')" -gt 100 ] || fail "hardly an event behind the damage"
python3 tests/golden/python_reader.py "${args[@]}" || fail "the two readers differ"

# As a user calls it.
PYTHONPATH=docs/python python3 -m gtrace "$T/w.gtr" >"$T/lines" || fail "python3 -m gtrace"
eq "events" "$(grep -c '^{"event"' "$T/lines")" 4000
! PYTHONPATH=docs/python python3 -m gtrace README.md >"$T/out" 2>"$T/err" || fail "README.md is a trace"
grep -q 'not a trace' "$T/err" || fail "README.md: $(cat "$T/err")"
