#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A trace is a pcapng file for everybody's tools: file, capinfos, tshark, tcpdump, editcap and
# mergecap accept it; what the last two write is read again with every event there, or its
# absence told.
. "$(dirname "$0")/../lib.sh"

need file capinfos tshark editcap mergecap
DUMP=$O/tests/golden/gtdump
[ -x "$DUMP" ] || skip "gtdump is not built: make unit"
F=$T/w.gtr

"$DUMP" -w "$F" 6000
"$DUMP" -e "$F" >"$T/events"
[ "$(wc -l <"$T/events")" = 6000 ] || fail "the trace does not hold its events"
blocks=$(tshark -r "$F" 2>"$T/err" | wc -l)
! grep -v 'Running as user "root"' "$T/err" || fail "tshark complains"
[ "$blocks" -gt 20 ] || fail "tshark sees $blocks packets"

file "$F" | grep -q 'pcapng capture file' || fail "file: $(file "$F")"

capinfos "$F" >"$T/info" 2>"$T/err" || fail "capinfos: $(cat "$T/err")"
[ ! -s "$T/err" ] || fail "capinfos complains: $(cat "$T/err")"
for want in 'File type: .*pcapng' 'Encapsulation: .*USER 0' 'Strict time order: *True' \
	'Hardware: *x86_64' '(oper-sys|Oper. Sys.): *Linux 6.1.0' 'application: *gtrec 0.1.0' \
	'made by the tests' '(First|Earliest) packet time: *2023-11-14 22:13:20' 'Name = process 101' \
	"Number of packets: *$blocks"; do
	TZ=UTC grep -Eqi "$want" <(TZ=UTC capinfos "$F") || fail "capinfos does not say '$want'"
done

# Losses are in pcapng's own drop count too.
tshark -r "$F" -T fields -e frame.drop_count >"$T/drops" 2>/dev/null
grep -q 3 "$T/drops" || fail "no drop count"

if command -v tcpdump >/dev/null; then
	n=$(tcpdump -r "$F" 2>"$T/err" | grep -c UNSUPPORTED) || fail "tcpdump: $(cat "$T/err")"
	[ "$n" = "$blocks" ] || fail "tcpdump sees $n of $blocks packets"
fi

# Rewritten: nothing is lost, only the index goes.
editcap "$F" "$T/edit.gtr"
mergecap -w "$T/merge.gtr" "$F"
mergecap -a -w "$T/twice.gtr" "$F" "$F"
for f in edit merge twice; do
	"$DUMP" -e "$T/$f.gtr" | cmp - "$T/events" || fail "events changed in $f.gtr"
done
"$DUMP" "$T/edit.gtr" >"$T/dump"
grep -q '"bad_blocks":0,"missing_blocks":0,"missing_end":0' "$T/dump" ||
	fail "damage told in a sound copy"
grep -q '"indexed":false' "$T/dump" || fail "editcap kept the index"

# From and to pipes.
"$DUMP" -e - <"$F" | cmp - "$T/events" || fail "events differ from stdin"
# shellcheck disable=SC2002
cat "$F" | "$DUMP" -e - | cmp - "$T/events" || fail "events differ through a pipe"
tshark -r - <"$F" >/dev/null 2>&1 || fail "tshark does not read it from a pipe"

# Sliced: the rest is there, and what is not is told.
editcap -r "$F" "$T/slice.gtr" 1-12 19-25
"$DUMP" -e "$T/slice.gtr" >"$T/slice"
n=$(wc -l <"$T/slice")
if [ "$n" -le 500 ] || [ "$n" -ge 6000 ]; then fail "a slice has $n events"; fi
grep -Fxv -f "$T/events" "$T/slice" && fail "a slice has events that the trace has not"
"$DUMP" "$T/slice.gtr" >"$T/dump"
grep -q '"loss":{"process":0,"cpu":-1,"cause":4' "$T/dump" || fail "loss is not told"
grep -q '"missing_blocks":6,"missing_end":1' "$T/dump" || fail "missing blocks are not told"
exit 0
