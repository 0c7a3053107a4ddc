#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Traces that somebody has compressed open as they are, whatever their name, also from a pipe; what
# unpacks to far more than a trace can is refused; a torn one gives what was before.
. "$(dirname "$0")/../lib.sh"
need gzip zstd
"$O/tests/sample" random 2 30000 "$T/t.gtr"
"$GTREPLAY" -q --json "$T/t.gtr" >"$T/want"

pack() { # pack gzip|zstd: stdin to stdout
	if [ "$1" = gzip ]; then gzip -c; else zstd -qc; fi
}

for how in gzip zstd; do
	pack $how <"$T/t.gtr" >"$T/packed" # its name does not tell
	"$GTREPLAY" -q --json "$T/packed" | cmp -s - "$T/want" || fail "$how: another trace"
	"$GTREPLAY" -q --json - <"$T/packed" | cmp -s - "$T/want" || fail "$how on stdin: another trace"
	# shellcheck disable=SC2002 # a pipe is wanted
	cat "$T/packed" | "$GTREPLAY" -q --json - | cmp -s - "$T/want" || fail "$how from a pipe: another trace"
	# shellcheck disable=SC2002
	cat "$T/packed" | "$GTREPLAY" -q --json --from -1ms - >"$T/out" || fail "$how: no way back in a pipe"
	[ -s "$T/out" ] || fail "$how: nothing in the last millisecond"
	# Several members one behind the other are one stream.
	head -c 5000 "$T/t.gtr" | pack $how >"$T/two"
	tail -c +5001 "$T/t.gtr" | pack $how >>"$T/two"
	"$GTREPLAY" -q --json "$T/two" | cmp -s - "$T/want" || fail "$how: two members are another trace"
	head -c $(($(stat -c %s "$T/packed") / 2)) "$T/packed" >"$T/torn"
	status=0
	"$GTREPLAY" -q --json "$T/torn" >"$T/out" 2>/dev/null || status=$?
	eq "$how: exit status for a torn one" $status 3
	[ -s "$T/out" ] || fail "$how: nothing of a torn one"
	head -c 100000000 /dev/zero | pack $how >"$T/bomb"
	status=0
	"$GTSTAT" "$T/bomb" >"$T/out" 2>"$T/err" || status=$?
	[ $status != 0 ] || fail "$how: a bomb was unpacked"
	grep -q "unpacks to more than 64 times its size" "$T/err" || fail "$(cat "$T/err")"
done

"$GTEXPORT" -q -o "$T/out.gtr.gz" "$T/packed"
gzip -t "$T/out.gtr.gz" || fail "-o out.gtr.gz is not gzip"
"$GTREPLAY" -q --json "$T/out.gtr.gz" | cmp -s - "$T/want" || fail "the copy is another trace"
"$GTEXPORT" -q -o "$T/out.gtr.zst" "$T/packed"
zstd -qt "$T/out.gtr.zst" || fail "-o out.gtr.zst is not zstd"
"$GTREPLAY" -q --json "$T/out.gtr.zst" | cmp -s - "$T/want" || fail "the zstd copy is another trace"
"$GTREPLAY" --verify "$T/out.gtr.zst" >"$T/out" 2>&1 || [ $? = 1 ] || fail "the zstd copy does not check: $(cat "$T/out")"
"$GTEXPORT" -q -o "$T/out.json" "$T/t.gtr"
"$GTEXPORT" -q -o "$T/out.json.zst" "$T/t.gtr"
zstd -qdc "$T/out.json.zst" | cmp -s - "$T/out.json" || fail "-o out.json.zst is another drawing"
"$GTEXPORT" -q -f chrome -o "$T/big.zst" "$T/t.gtr"
zstd -qdc "$T/big.zst" | cmp -s - "$T/out.json" || fail "-f chrome -o big.zst is another drawing"

# Several recordings in a stream are what they are in a file, and a stream has an end to count from.
"$GTEXPORT" -q -o "$T/u.gtr" "$T/t.gtr"
cat "$T/t.gtr" "$T/u.gtr" >"$T/both.gtr"
"$GTREPLAY" -q --json "$T/both.gtr" >"$T/want2"
[ "$(wc -l <"$T/want2")" -gt "$(wc -l <"$T/want")" ] || fail "two recordings have no more than one"
"$GTSTAT" -q --json "$T/both.gtr" >"$T/stat2" || true
# shellcheck disable=SC2002
{
	cat "$T/both.gtr" | "$GTREPLAY" -q --json - | cmp -s - "$T/want2" || fail "gtreplay: another trace from a pipe"
	(cat "$T/both.gtr" | "$GTSTAT" -q --json - || true) | cmp -s - "$T/stat2" || fail "gtstat: another trace from a pipe"
	cat "$T/t.gtr" | "$GTREPLAY" -q --json --from -1ms - >"$T/out" || fail "no way back in a pipe"
	[ -s "$T/out" ] || fail "nothing in the last millisecond of a pipe"
}
