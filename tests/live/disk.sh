#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Where the trace goes: a disk that fills up, a pipe whose reader leaves, a link, a file that is
# there already. The program under trace never notices any of it.
# timeout: 120
. "$(dirname "$0")/../lib.sh"
need_bpf
need mount umount

mkdir "$T/small"
mount -t tmpfs -o size=64k,mode=700 none "$T/small" || skip "cannot mount a tmpfs"
trap 'end_all; umount "$T/small"' EXIT
busy=$(subject syscalls)
short=$(subject exitcode)

# readable WHAT: all blocks in the file are whole, and there are events in it.
readable() {
	local rc=0
	"$GTREPLAY" --verify --json "$T/small/t.gtr" >"$T/verify" || rc=$?
	[ $rc = 0 ] || [ $rc = 3 ] || fail "$1: --verify gives $rc: $(cat "$T/verify")"
	python3 - "$T/verify" <<'PY' || fail "$1: $(cat "$T/verify")"
import json, sys
v = json.load(open(sys.argv[1]))
d = v["damage"]
assert v["events"] > 100, "no events"
assert not d["bad_blocks"] and not d["bad_bytes"] and not d["missing_blocks"], "not cut to whole blocks"
assert not v["impossible"]
PY
}

# ---- a full disk, attached ----
start "$busy" -n 2000000000 >"$T/ready"
pid=$PID
wait_for 20 grep -q ready "$T/ready"
rc=0
"$GTREC" -q -o "$T/small/t.gtr" -p "$pid" 2>"$T/err" || rc=$?
eq "full disk: status" $rc 4
grep -q "small/t.gtr.*No space left" "$T/err" || fail "full disk: $(cat "$T/err")"
readable "full disk"
kill -0 "$pid" || fail "a full disk ends the target"
rm -f "$T/small/t.gtr"

# ---- a full disk, launched: the command does its work to the end ----
rc=0
"$GTREC" -q -o "$T/small/t.gtr" -- sh -c "$busy -n 600000 >$T/worked; echo \$? >>$T/worked" 2>"$T/err" || rc=$?
eq "full disk, launched: status" $rc 125
grep -q "No space left" "$T/err" || fail "full disk, launched: $(cat "$T/err")"
grep -q '"short":600000' "$T/worked" || fail "full disk, launched: the command was cut off: $(cat "$T/worked")"
eq "status of the command" "$(tail -1 "$T/worked")" 0
readable "full disk, launched"

# ---- a pipe ----
"$GTREC" -q -d 200ms -o - -p "$pid" | "$GTREPLAY" --json - >"$T/steps"
[ "$(wc -l <"$T/steps")" -gt 100 ] || fail "no events through a pipe"
set +e
"$GTREC" -q -o - -p "$pid" 2>"$T/err" | head -c 2000 >"$T/head"
rc=${PIPESTATUS[0]}
set -e
eq "reader gone: status" "$rc" 4
grep -q "reader has gone" "$T/err" || fail "reader gone: $(cat "$T/err")"
kill -0 "$pid" || fail "a closed pipe ends the target"

# ---- names ----
echo precious >"$T/precious"
ln -s precious "$T/link"
rc=0
"$GTREC" -q -d 100ms -o "$T/link" -p "$pid" 2>"$T/err" || rc=$?
eq "symlink: status" $rc 4
grep -q "symbolic link" "$T/err" || fail "symlink: $(cat "$T/err")"
eq "what a symlink points to" "$(cat "$T/precious")" precious
rc=0
"$GTREC" -q -d 100ms -o "$T/none/t.gtr" -p "$pid" 2>"$T/err" || rc=$?
eq "no directory: status" $rc 4
(
	umask 0
	"$GTREC" -q -d 100ms -o "$T/precious" -p "$pid"
)
eq "mode" "$(stat -c %a "$T/precious")" 600
eq "what was there" "$(cat "$T/precious.old")" precious
"$GTREPLAY" --verify "$T/precious" >"$T/verify" || fail "$(cat "$T/verify")"
# A start that fails leaves everything as it is, and nothing beside it.
rc=0
"$GTREC" -q -o "$T/precious.old" -p 1 2>"$T/err" || rc=$?
eq "not Go: status" $rc 4
eq "what was there before a start that failed" "$(cat "$T/precious.old")" precious
"$GTREC" -q -o "$T/new.gtr" -- "$short" -code 0 -d 10ms >"$T/out"
[ -z "$(find "$T" -name '.gtrec-*')" ] || fail "hidden files are left"
kill "$pid"
