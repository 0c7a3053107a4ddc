#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The reader against traces that an independent writer made from docs/FORMAT.md: every block
# kind, and torn, spoilt, later and foreign ones. The committed files are read for ever; that the
# generator still makes them shows that they say what its source says.
. "$(dirname "$0")/../lib.sh"

need python3
DUMP=$O/tests/golden/gtdump
[ -x "$DUMP" ] || skip "gtdump is not built: make unit"

n=0
for f in tests/golden/*.gtr; do
	"$DUMP" "$f" >"$T/out" || fail "$f: gtdump failed"
	diff "${f%.gtr}.json" "$T/out" >"$T/diff" || fail "$f: $(head -5 "$T/diff")"
	# As from a pipe: the same but for the index.
	"$DUMP" - <"$f" | diff "${f%.gtr}.json" - >"$T/diff" || fail "$f from a pipe: $(head -5 "$T/diff")"
	n=$((n + 1))
done
[ "$n" -ge 20 ] || fail "only $n golden traces"

mkdir "$T/made"
python3 tests/golden/make_golden.py "$T/made"
for f in tests/golden/*.gtr; do
	b=$(basename "$f" .gtr)
	[ "$b" = compressed ] && continue # made by whatever zstd is installed
	cmp "$f" "$T/made/$b.gtr" || fail "make_golden.py makes another $b.gtr"
	cmp "${f%.gtr}.json" "$T/made/$b.json" || fail "make_golden.py makes another $b.json"
done
