#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gtexport -f gtr: a copy answers like its original, a torn file becomes a whole one with its loss
# told, a cut begins in the states that the original had then, goroutines cut away are gone.
. "$(dirname "$0")/../lib.sh"
need jq
sample=$O/tests/sample

# same WHAT A B [ARGS...]: gtstat and gtreplay say the same of two traces.
same() {
	local what=$1 a=$2 b=$3 q
	for q in summary goroutines lifetimes blocks runq leaks; do
		"$GTSTAT" -q --json $q "$a" >"$T/qa" || fail "$what: gtstat $q $a"
		"$GTSTAT" -q --json $q "$b" >"$T/qb" || fail "$what: gtstat $q $b"
		cmp -s "$T/qa" "$T/qb" || fail "$what: gtstat $q differs: $(diff "$T/qa" "$T/qb" | head -4)"
	done
	"$GTREPLAY" -q --json "$a" >"$T/qa"
	"$GTREPLAY" -q --json "$b" >"$T/qb"
	cmp -s "$T/qa" "$T/qb" || fail "$what: the logs differ"
}
# verified FILE: --verify finds it whole and possible.
verified() {
	"$GTREPLAY" --verify "$1" >"$T/verify" || fail "--verify: $(cat "$T/verify")"
}

"$sample" pool "$T/pool.gtr"
"$sample" big 200000 "$T/big.gtr"
for seed in 1 2 3; do
	"$sample" random $seed 30000 "$T/r$seed.gtr"
done

# A copy is the same trace.
for f in pool big r1 r2 r3; do
	"$GTEXPORT" -q -o "$T/copy.gtr" "$T/$f.gtr" || fail "$f: exit $?"
	same "copy of $f" "$T/$f.gtr" "$T/copy.gtr"
done
"$GTEXPORT" -q -o "$T/copy.gtr" "$T/big.gtr"
verified "$T/copy.gtr"

# Through pipes, and compressed harder.
"$GTEXPORT" -q -f gtr - <"$T/big.gtr" | "$GTREPLAY" --verify - >"$T/out" || fail "pipes: $(cat "$T/out")"
"$GTEXPORT" -q --level 19 -o "$T/small.gtr" "$T/big.gtr"
same "--level 19" "$T/big.gtr" "$T/small.gtr"
[ "$(stat -c %s "$T/small.gtr")" -lt "$(stat -c %s "$T/big.gtr")" ] || fail "--level 19 is not smaller"

# A torn file: whole afterwards, and what is lost stays told.
size=$(stat -c %s "$T/big.gtr")
for part in 3 5 8; do
	head -c $((size * part / 9)) "$T/big.gtr" >"$T/torn.gtr"
	status=0
	"$GTEXPORT" -q -o "$T/whole.gtr" "$T/torn.gtr" 2>/dev/null || status=$?
	eq "exit status for a torn trace" $status 3
	verified "$T/whole.gtr"
	"$GTREPLAY" -q --json "$T/torn.gtr" >"$T/a" 2>/dev/null || true
	"$GTREPLAY" -q --json "$T/whole.gtr" >"$T/b"
	cmp -s "$T/a" "$T/b" || fail "the repaired trace tells something else"
	grep -q '"lost"' "$T/b" || fail "the loss is not told"
done

# Cuts by time: the states at any time, and the log, are those of the original.
for f in big r2 r3; do
	"$GTEXPORT" -q --from 10ms --to 50ms -o "$T/cut.gtr" "$T/$f.gtr"
	for t in 0 7 20 40; do
		"$GTREPLAY" -q --at $((10 + t))ms "$T/$f.gtr" >"$T/a"
		"$GTREPLAY" -q --at ${t}ms "$T/cut.gtr" >"$T/b"
		cmp -s "$T/a" "$T/b" || fail "$f: at $t ms of the cut: $(diff "$T/a" "$T/b" | head -4)"
	done
	"$GTREPLAY" -q --json --from 10ms --to 50ms "$T/$f.gtr" |
		jq -c 'select(.t_ns) | .t_ns -= 10000000' >"$T/a"
	"$GTREPLAY" -q --json "$T/cut.gtr" | jq -c 'select(.t_ns)' >"$T/b"
	[ -s "$T/b" ] || fail "$f: the cut is empty"
	cmp -s "$T/a" "$T/b" || fail "$f: the cut's log differs"
done
"$GTEXPORT" -q --from 10ms --to 50ms -o "$T/cut.gtr" "$T/big.gtr"
verified "$T/cut.gtr"
"$GTEXPORT" -q --from 10ms --to 30ms -o "$T/cut2.gtr" "$T/cut.gtr" # a cut of a cut
verified "$T/cut2.gtr"
"$GTREPLAY" -q --at 25ms "$T/big.gtr" >"$T/a"
"$GTREPLAY" -q --at 5ms "$T/cut2.gtr" >"$T/b"
cmp -s "$T/a" "$T/b" || fail "a cut of a cut begins in another state"
"$GTEXPORT" -q -o "$T/cut3.gtr" "$T/cut2.gtr" # a copy of one
same "copy of a cut" "$T/cut2.gtr" "$T/cut3.gtr"

# By goroutine: only they are in it, with what happened to them, and nobody leaks.
"$GTEXPORT" -q -g 2,3 -o "$T/g.gtr" "$T/pool.gtr"
verified "$T/g.gtr"
"$GTSTAT" -q goroutines --json -g 2,3 "$T/pool.gtr" >"$T/a"
"$GTSTAT" -q goroutines --json "$T/g.gtr" >"$T/b"
eq "goroutines" "$(jq -s 'map(.goid) | sort | join(" ")' "$T/b")" '"2 3"'
cmp -s "$T/a" "$T/b" || fail "goroutines cut out differ: $(diff "$T/a" "$T/b" | head -4)"
eq "alive at the end" "$(jq -s 'map(select(.ended_ns == null)) | length' "$T/b")" 0

# Blocks of kinds that we do not know are kept, but not where something was to be cut away.
unknown() { "$GTREPLAY" --verify --json "$1" 2>/dev/null | jq .damage.unknown_blocks; }
f=tests/golden/unknown-things.gtr
"$GTEXPORT" -q -o "$T/u.gtr" $f
[ "$(unknown $f)" -gt 0 ] || fail "the golden trace has no unknown blocks"
eq "unknown blocks kept" "$(unknown "$T/u.gtr")" "$(unknown $f)"
"$GTEXPORT" -g 1 -o "$T/u.gtr" $f 2>"$T/err"
eq "unknown blocks of a cut" "$(unknown "$T/u.gtr")" 0
grep -q "blocks of unknown kinds were left out" "$T/err" || fail "$(cat "$T/err")"

# Several recordings: concatenated, mixed by mergecap, or named one by one, they are one trace.
"$GTEXPORT" -q -o "$T/a.gtr" "$T/pool.gtr" # a session of its own
"$GTEXPORT" -q -o "$T/b.gtr" "$T/big.gtr"
cat "$T/a.gtr" "$T/b.gtr" >"$T/ab.gtr"
verified "$T/ab.gtr"
events() { "$GTSTAT" -q --json "$1" | jq .events; }
eq "events of both" "$(events "$T/ab.gtr")" $(($(events "$T/a.gtr") + $(events "$T/b.gtr")))
"$GTEXPORT" -q -o "$T/joined.gtr" "$T/a.gtr" "$T/b.gtr"
verified "$T/joined.gtr"
same "named one by one" "$T/ab.gtr" "$T/joined.gtr"
"$GTEXPORT" -q -f gtr - <"$T/ab.gtr" >"$T/piped.gtr"
same "from a pipe" "$T/ab.gtr" "$T/piped.gtr"
if command -v mergecap >/dev/null; then
	mergecap -w "$T/mixed.gtr" "$T/a.gtr" "$T/b.gtr"
	verified "$T/mixed.gtr"
	eq "events of mergecap's" "$(events "$T/mixed.gtr")" "$(events "$T/ab.gtr")"
fi
head -c $(($(stat -c %s "$T/b.gtr") - 1000)) "$T/b.gtr" >"$T/torn.gtr"
cat "$T/torn.gtr" "$T/a.gtr" >"$T/ta.gtr"
status=0
"$GTEXPORT" -q -o "$T/whole.gtr" "$T/ta.gtr" 2>/dev/null || status=$?
eq "exit status where one is torn" $status 3
verified "$T/whole.gtr"
"$GTSTAT" -q --json "$T/whole.gtr" 2>/dev/null >"$T/q"
eq "goroutines of the whole one" "$("$GTSTAT" -q goroutines --json "$T/whole.gtr" 2>/dev/null | jq -s 'map(select(.func == "runtime.main")) | length')" 1
"$GTREPLAY" -q --json "$T/whole.gtr" | grep -q '"lost"' || fail "the loss of the torn one is not told"

# Other names, the same answers: but for the names every report is as it was.
anonymous() { # anonymous: JSON on stdin without what redaction may change
	jq -cS 'walk(if type == "object" then with_entries(if .key == "exe" or .key == "tool" or .key == "host" then .value = null else . end)
		elif type == "string" and test("main|http|odd|fn|pkg|src|/|exe|app") then "X" else . end)'
}
for f in pool big r2; do
	"$GTEXPORT" -q --redact -o "$T/red.gtr" "$T/$f.gtr"
	for q in summary goroutines lifetimes blocks runq leaks; do
		"$GTSTAT" -q --json $q "$T/$f.gtr" | anonymous >"$T/qa"
		"$GTSTAT" -q --json $q "$T/red.gtr" | anonymous >"$T/qb"
		cmp -s "$T/qa" "$T/qb" || fail "redacted $f: $q differs: $(diff "$T/qa" "$T/qb" | head -4)"
	done
	"$GTREPLAY" -q --json "$T/red.gtr" >"$T/qb"
	! grep -q 'usr/bin\|src/app\|worker\|shop' "$T/qb" || fail "redacted $f: $(grep -m1 'usr/bin\|src/app\|worker\|shop' "$T/qb")"
done
"$GTEXPORT" -q --redact=paths -o "$T/red.gtr" "$T/r2.gtr"
"$GTSTAT" -q goroutines --json "$T/red.gtr" >"$T/q"
grep -q 'main.worker' "$T/q" || fail "--redact=paths took the names"
! grep -q 'src/app' "$T/q" || fail "--redact=paths left the paths"

# What can be read is listed; exit 1 while --redact would replace some of it.
status=0
"$GTEXPORT" --redact=check "$T/r2.gtr" >"$T/q" 2>/dev/null || status=$?
eq "exit status for clear text" $status 1
grep -q '^clear function *main.worker$' "$T/q" || fail "main.worker is not listed: $(head "$T/q")"
"$GTEXPORT" -q --redact -o "$T/red.gtr" "$T/r2.gtr"
"$GTEXPORT" -q --redact=check "$T/red.gtr" >"$T/q" || fail "clear text is left: $(grep ^clear "$T/q")"
grep -q '^kept  reason *chan receive$' "$T/q" || fail "what is kept is not listed"

# Into a size: stacks go first, then time, but for the longest wait; what was cut is said.
size=$(stat -c %s "$T/r2.gtr")
"$GTEXPORT" --fit 1G -o "$T/fit.gtr" "$T/r2.gtr" 2>"$T/err"
same "--fit with room" "$T/r2.gtr" "$T/fit.gtr"
! grep -q "to fit" "$T/err" || fail "--fit cut without need: $(cat "$T/err")"
for part in 2 6; do
	"$GTEXPORT" --fit $((size / part)) -o "$T/fit.gtr" "$T/r2.gtr" 2>"$T/err"
	[ "$(stat -c %s "$T/fit.gtr")" -le $((size / part)) ] || fail "--fit: too large"
	[ "$(stat -c %s "$T/fit.gtr")" -ge $((size / part / 2)) ] || fail "--fit: far too small"
	grep -q "to fit: kept .* around the longest wait for a processor" "$T/err" || fail "$(cat "$T/err")"
	"$GTREPLAY" --verify --json "$T/fit.gtr" >"$T/q" || true # the history is not possible, nor was the original's
	jq -e '.closed and .keyframe_differences == 0' "$T/q" >/dev/null || fail "--fit: not whole: $(cat "$T/q")"
done
longest() { "$GTSTAT" -q --json "$1" 2>/dev/null | jq .runq.wait.max; }
eq "the longest wait is in it" "$(longest "$T/fit.gtr")" "$(longest "$T/r2.gtr")"
status=0
"$GTEXPORT" --fit 100 -o "$T/fit.gtr" "$T/r2.gtr" 2>/dev/null || status=$?
eq "exit status of --fit 100" $status 2

# Usage; what was there stays.
for args in "--state waiting" "--reason x" "--level 20" "--redact=x" "--from 2s --to 1s"; do
	status=0
	echo old >"$T/keep.gtr"
	# shellcheck disable=SC2086
	"$GTEXPORT" $args -o "$T/keep.gtr" "$T/pool.gtr" 2>"$T/err" || status=$?
	eq "exit status of $args" $status 2
	eq "what was there" "$(cat "$T/keep.gtr")" old
done
