#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A recording of a program full of planted names: nothing of them is left in its redacted copy, and
# the copy answers as the recording does; cuts and copies of it pass --verify.
. "$(dirname "$0")/../lib.sh"
need_bpf
need jq unshare
prog=$(subject secrets) || fail "the subject does not build"
mkdir "$T/planteddir"
cp "$prog" "$T/planteddir/plantedexe"
# On a host of its own name: a short one, as many have, can stand in packed bytes by chance.
# shellcheck disable=SC2016 # the inner shell's
unshare --uts sh -c 'hostname plantedhost && exec "$@"' sh \
	"$GTREC" -q --comment plantedcomment -o "$T/t.gtr" -- "$T/planteddir/plantedexe" plantedarg || fail "gtrec: $?"

# All texts of a trace; the listing is what --redact=check has.
texts() { "$GTEXPORT" -q --redact=check "$1" || true; }
texts "$T/t.gtr" >"$T/clear"
for word in plantedWorker plantedType plantedMethod planteddir plantedexe plantedcomment plantedhost; do
	grep -q "^clear.*$word" "$T/clear" || fail "$word is not in the recording: $(grep ^clear "$T/clear" | head)"
done
"$GTEXPORT" -q --redact -o "$T/red.gtr" "$T/t.gtr"
texts "$T/red.gtr" >"$T/kept"
! grep -q "^clear" "$T/kept" || fail "left in clear: $(grep ^clear "$T/kept" | head -3)"
for f in "$T/kept" "$T/red.gtr"; do
	! grep -qai planted "$f" || fail "$f tells $(grep -aioE -m1 '.{0,20}planted.{0,20}' "$f" | head -1)"
	! grep -qaF "$TOP" "$f" || fail "$f tells where it was built"
done
"$GTREPLAY" --verify "$T/red.gtr" >"$T/out" || fail "$(cat "$T/out")"
figures() { "$GTSTAT" -q --json "$1" | jq -cS '{goroutines, lifetime, runq, syscall, events, lost, span_ns}'; }
eq "figures" "$(figures "$T/red.gtr")" "$(figures "$T/t.gtr")"

"$GTEXPORT" -q --from 10ms --to 30ms -o "$T/cut.gtr" "$T/t.gtr"
"$GTREPLAY" --verify "$T/cut.gtr" >"$T/out" || fail "cut: $(cat "$T/out")"
"$GTREPLAY" -q --at 20ms "$T/t.gtr" >"$T/a"
"$GTREPLAY" -q --at 10ms "$T/cut.gtr" >"$T/b"
cmp -s "$T/a" "$T/b" || fail "the cut's states differ: $(diff "$T/a" "$T/b" | head -5)"
"$GTEXPORT" -q --func planted -o "$T/g.gtr" "$T/t.gtr"
"$GTREPLAY" --verify "$T/g.gtr" >"$T/out" || fail "--func: $(cat "$T/out")"
"$GTSTAT" -q --json "$T/g.gtr" >"$T/out"
eq "chosen goroutines alive at the end" "$(jq .goroutines.live "$T/out")" 0

# Two recordings of one host, concatenated.
"$GTREC" -q -o "$T/u.gtr" -- "$T/planteddir/plantedexe" || fail "gtrec: $?"
cat "$T/t.gtr" "$T/u.gtr" >"$T/tu.gtr"
"$GTREPLAY" --verify "$T/tu.gtr" >"$T/out" || fail "concatenated: $(cat "$T/out")"
