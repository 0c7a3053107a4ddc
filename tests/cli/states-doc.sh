#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# docs/STATES.md holds the state table as the engine has it.
. "$(dirname "$0")/../lib.sh"

sed '1,/^<!-- gtreplay --states=md -->$/d' docs/STATES.md >"$T/doc.md"
"$GTREPLAY" --states=md >"$T/table.md"
[ -s "$T/table.md" ] || fail "no table was printed"
diff -u "$T/doc.md" "$T/table.md" ||
	fail "the table changed: put the output of 'gtreplay --states=md' behind the mark in docs/STATES.md"
"$GTREPLAY" --states=dot >"$T/table.dot"
grep -q '"runnable" -> "running"' "$T/table.dot" || fail "no edge in the drawing"
if "$GTREPLAY" --states=svg 2>"$T/err"; then
	fail "an unknown format was accepted"
fi
grep -q "neither dot nor md" "$T/err" || fail "no word about the format"
