#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A trace is a pcapng file for everybody's tools: file, capinfos, tshark, tcpdump, editcap and
# mergecap accept it; what these write is read again with every event there, or its absence
# told. docs/gtrace.lua shows Wireshark our blocks.
. "$(dirname "$0")/../lib.sh"

need file capinfos tshark editcap mergecap tcpdump jq
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

# tcpdump keeps the packets, but writes pcap of the old kind: told, and editcap gives the trace back.
n=$(tcpdump -r "$F" 2>"$T/err" | grep -c UNSUPPORTED) || fail "tcpdump: $(cat "$T/err")"
[ "$n" = "$blocks" ] || fail "tcpdump sees $n of $blocks packets"
tcpdump -r "$F" -w "$T/old.pcap" 2>"$T/err" || fail "tcpdump: $(cat "$T/err")"
status=0
"$GTREPLAY" --verify "$T/old.pcap" >"$T/out" 2>&1 || status=$?
eq "exit status for a pcap" $status 3
grep -q 'pcap of the old kind: editcap -F pcapng' "$T/out" || fail "a pcap: $(cat "$T/out")"
editcap -F pcapng "$T/old.pcap" "$T/new.gtr"

# Rewritten: nothing is lost, only the index goes.
editcap "$F" "$T/edit.gtr"
mergecap -w "$T/merge.gtr" "$F"
mergecap -a -w "$T/twice.gtr" "$F" "$F"
for f in edit merge twice new; do
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

# sound FILE EVENTS: gtreplay --verify finds nothing wrong with the file, and so many events.
sound() {
	"$GTREPLAY" --verify --json "$1" >"$T/verify" 2>"$T/err" || true
	jq -e '.damage.bad_blocks == 0 and .damage.missing_blocks == 0' "$T/verify" >/dev/null ||
		fail "$(basename "$1"): $(cat "$T/verify" "$T/err")"
	eq "events in $(basename "$1")" "$(jq .events "$T/verify")" "$2"
}
for f in w edit merge new; do
	sound "$T/$f.gtr" 6000
done

# By time: what editcap -A and -B leave is all there, and the rest is told as lost.
half=$(tshark -r "$F" -T fields -e frame.time_epoch 2>/dev/null | sed -n "$((blocks / 2))p")
day=$(TZ=UTC date -d "@$half" '+%Y-%m-%d %H:%M:%S').${half#*.}
TZ=UTC editcap -A "$day" "$F" "$T/after.gtr"
TZ=UTC editcap -B "$day" "$F" "$T/before.gtr"
for f in before after; do
	"$DUMP" -e "$T/$f.gtr" >"$T/$f" || fail "$f.gtr is not read"
	n=$(wc -l <"$T/$f")
	if [ "$n" -lt 500 ] || [ "$n" -gt 5500 ]; then fail "editcap left $n events $f the middle"; fi
	grep -Fxv -f "$T/events" "$T/$f" && fail "$f.gtr has events that the trace has not"
	status=0
	"$GTREPLAY" --verify "$T/$f.gtr" >"$T/out" 2>&1 || status=$?
	[ $status != 0 ] || fail "--verify finds nothing in $f.gtr: $(cat "$T/out")"
	status=0
	"$GTSTAT" "$T/$f.gtr" >"$T/out" 2>"$T/err" || status=$?
	eq "gtstat's exit status for $f.gtr" $status 3
	grep -q 'is damaged' "$T/err" || fail "gtstat says nothing: $(cat "$T/err")"
done
"$DUMP" "$T/before.gtr" | grep -q '"missing_end":1' || fail "an end that editcap cut is not told"
[ $(($(wc -l <"$T/before") + $(wc -l <"$T/after"))) -le 6000 ] || fail "the halves have more than the whole"

# Two recordings, mixed by mergecap: one trace.
"$O/tests/sample" random 3 4000 "$T/a.gtr"
"$O/tests/sample" random 4 4000 "$T/b0.gtr"
"$GTEXPORT" -q -o "$T/b.gtr" "$T/b0.gtr" # of a session of its own
want=$(cat <("$DUMP" -e "$T/a.gtr") <("$DUMP" -e "$T/b.gtr") | wc -l)
mergecap -w "$T/both.gtr" "$T/a.gtr" "$T/b.gtr"
got=$("$DUMP" -e "$T/both.gtr" | wc -l)
eq "events of two recordings" "$got" "$want"

# The dissector: kinds by name, every item counted, tables in clear, compressed bodies told so.
lua() { tshark -X lua_script:docs/gtrace.lua -r "$@" 2>"$T/err"; }
lua "$F" -T fields -e gtrace.kind -e gtrace.items -e gtrace.lost >"$T/fields"
! grep -v 'Running as user "root"' "$T/err" || fail "the dissector complains"
eq "events that the dissector sees" "$(awk '$1 == 16 { n += $2 } END { print n }' "$T/fields")" 6000
eq "events lost that it sees" "$(awk '{ n += $3 } END { print n }' "$T/fields")" 36
lua tests/golden/kinds.gtr -V >"$T/kinds"
for want in 'gtrace META, 1 item' 'Kind: GTAB (8)' 'String: runtime.main' 'Fact: host: box' \
	'G_CREATED (AGO, 2 bytes): 0, 1000000005' 'PC_FRAMES (LIST, 12 bytes): \[4 5 12 6 0 1\]' \
	'LOSS_T1 (REL, 2 bytes): 1000000005, 1000000002' 'KEY_WAKER (VAR, 1 bytes): 9' \
	'END_STATUS (DELTA, 1 bytes): -9' 'quantum 1 ns, 3 shapes, columns SHAPE DT0 DT1'; do
	grep -q "$want" "$T/kinds" || fail "the dissector does not show '$want'"
done
lua tests/golden/compressed.gtr -V | grep -q 'compressed with zstd: [0-9]* bytes of [0-9]*)' ||
	fail "a compressed body is not told"
lua tests/golden/unknown-things.gtr | grep -q 'private kind 255' || fail "a private kind is not told"
for f in tests/golden/*.gtr; do
	lua "$f" -V >"$T/out" || true
	! grep -i 'lua error' "$T/out" "$T/err" || fail "$f: the dissector fails"
done
# The names are those of the format.
grep -o 'F([A-Z0-9_]*, [0-9]*, [A-Z]*' format/spec.h | grep -v 'F(IX_' | sed 's/F(//; s/,.*//' | sort -u >"$T/spec"
grep -oE '"(CLOCK|STR|MOD|PC|PROC|STK|G|THR|KEY|LOSS|STAT|NOTE|END)_[A-Z0-9_]*"' docs/gtrace.lua |
	tr -d '"' | sort -u | diff "$T/spec" - || fail "other columns than format/spec.h has"
