#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gtrec -- COMMAND: found behind wrappers with the main goroutine's creation as its first event,
# exit statuses as promised, and no harm to the command, whatever happens to gtrec.
# timeout: 300
. "$(dirname "$0")/../lib.sh"
need_bpf
need unshare setsid runuser sudo

prog=$(subject exitcode)
term=$(subject sigterm)
crash=$(subject crash)

# first NAME TRACE: the trace begins with the birth of the main goroutine and is whole.
first() {
	"$GTREPLAY" --verify "$2" >"$T/verify" || fail "$1: $(cat "$T/verify")"
	"$GTREPLAY" --json "$2" >"$T/steps"
	python3 - "$1" "$T/steps" <<'PY' || fail "$1"
import json, sys
steps = [json.loads(x) for x in open(sys.argv[2])]
steps = [s for s in steps if "goid" in s]
assert steps, "no step at all"
# idle -> dead makes the g, dead -> runnable starts its life
first = next(s for s in steps if s["to"] == "runnable")
assert first["func"] == "runtime.main", f"{sys.argv[1]}: the first goroutine is {first}"
assert first["goid"] in (0, 1), first
PY
}

# run WANT NAME COMMAND...: gtrec's status is WANT.
run() {
	local want=$1 name=$2 rc=0
	shift 2
	rm -f "$T/t.gtr"
	"$GTREC" -q -o "$T/t.gtr" "$@" >"$T/out" 2>"$T/err" || rc=$?
	[ $rc = "$want" ] || fail "$name: status $rc, expected $want: $(cat "$T/err")"
}

# ---- wrappers ----
cat >"$T/script" <<SH
#!/bin/sh
"$prog" -code 4 -d 10ms
exit \$?
SH
chmod +x "$T/script"
quick="$prog -code 4 -d 10ms"
# shellcheck disable=SC2086
{
	run 4 direct -- $quick && first direct "$T/t.gtr"
	run 4 sh -- sh -c "$quick; exit \$?" && first sh "$T/t.gtr"
	run 4 env -- env A=1 nice $quick && first env "$T/t.gtr"
	run 4 script -- "$T/script" && first script "$T/t.gtr"
	run 4 timeout -- timeout 30 $quick && first timeout "$T/t.gtr"
	run 4 runuser -- runuser -u nobody -- $quick && first runuser "$T/t.gtr"
	run 4 sudo -- sudo $quick && first sudo "$T/t.gtr"
	run 4 "sudo -u" -- sudo -u nobody $quick && first "sudo -u" "$T/t.gtr"
	run 4 setsid -- setsid -w $quick && first setsid "$T/t.gtr"
	run 123 xargs -- sh -c "echo -d 10ms | xargs $prog -code 4" && first xargs "$T/t.gtr"
	run 0 pipeline -- sh -c "$quick | cat" && first pipeline "$T/t.gtr"
}
grep -q '"ready":true' "$T/out" || fail "the output of a pipeline is lost"

# ---- statuses ----
run 127 "not found" -- /nonexistent/program
rc=0
"$GTREC" -q -o /nonexistent/t.gtr -- true 2>"$T/err" || rc=$?
[ $rc = 125 ] || fail "an output that cannot be: status $rc, which is the command's: $(cat "$T/err")"
run 126 "not executable" -- /etc/passwd
[ ! -e "$T/t.gtr" ] || fail "a failed start leaves a trace behind"
run 125 "no Go" -- sh -c '/bin/true; exit 7'
grep -q 'executed: .*/true' "$T/err" || fail "it does not name what was executed: $(cat "$T/err")"
[ ! -e "$T/t.gtr" ] || fail "a run without Go leaves a trace behind"
run 2 panic -- "$crash" -d 10ms -how panic
first panic "$T/t.gtr"
for how in kill:137 abort:2; do
	rc=0
	("$GTREC" -q -o "$T/t.gtr" -- "$crash" -d 10ms -how "${how%:*}") >"$T/out" 2>&1 || rc=$?
	eq "status of a command that ends by ${how%:*}" $rc "${how#*:}"
	first "${how%:*}" "$T/t.gtr"
done

# ---- what may not be looked at: not for want of being root ----
if ! readlink /proc/1/exe >/dev/null; then
	rc=0
	"$GTREC" -q -o "$T/t.gtr" -p 1 2>"$T/err" || rc=$?
	eq "status of -p with a protected process" $rc 4
	! grep -q 'need root' "$T/err" || fail "root is told to be root: $(cat "$T/err")"
fi

# ---- the end that gtrec makes ----
run 0 duration -d 300ms -- "$term" -d 60s
grep -q '"signal":"terminated"' "$T/out" || fail "-d does not end the command with SIGTERM"
first duration "$T/t.gtr"
rm -f "$T/out"
"$GTREC" -q -o "$T/t.gtr" -- "$term" -d 60s >"$T/out" 2>"$T/err" &
rec=$!
wait_for 20 grep -q ready "$T/out"
kill -TERM $rec
rc=0
wait $rec || rc=$?
eq "status after SIGTERM" $rc 0
grep -q '"signal":"terminated"' "$T/out" || fail "SIGTERM is not handed to the command"
first sigterm "$T/t.gtr"

# ---- gtrec killed with -9: the command runs on ----
rm -f "$T/out"
"$GTREC" -q -o "$T/t.gtr" -- sh -c "$prog -code 5 -d 1s -go $T/go; echo status \$? >$T/late" >"$T/out" &
rec=$!
wait_for 20 grep -q ready "$T/out"
kill -KILL $rec
wait $rec || true
touch "$T/go"
wait_for 20 grep -q 'status 5' "$T/late"

# ---- a daemon: COMMAND ends, its child is the program ----
run 0 daemon -- sh -c "setsid $prog -code 0 -d 200ms >$T/daemon 2>&1 & exit 0"
first daemon "$T/t.gtr"

# ---- whose file, whose command ----
chmod 711 "$T"
mkdir -m 777 "$T/any"
SUDO_UID=65534 SUDO_GID=65534 "$GTREC" -q -o "$T/any/t.gtr" -- sh -c "id -u >$T/who; $quick" >"$T/out" || true
eq "owner under sudo" "$(stat -c %u:%a "$T/any/t.gtr")" 65534:600
eq "the command's user under sudo" "$(cat "$T/who")" 0
first sudo "$T/any/t.gtr"
# The real one, called by nobody; the rule that allows it is seen by no other process.
echo 'nobody ALL=(ALL) NOPASSWD: ALL' >"$T/sudoers"
chmod 440 "$T/sudoers"
rc=0
# shellcheck disable=SC2016 # the inner shell's
unshare -m sh -ec 'mount --bind "$1" /etc/sudoers; shift; exec runuser -u nobody -- sudo -n "$@"' sh \
	"$T/sudoers" "$GTREC" -q -o "$T/any/real.gtr" -- "$prog" -code 4 -d 10ms >"$T/out" 2>"$T/err" || rc=$?
eq "status of nobody's sudo gtrec: $(cat "$T/err")" $rc 4
eq "owner under nobody's sudo" "$(stat -c %U:%a "$T/any/real.gtr")" nobody:600
first "nobody's sudo" "$T/any/real.gtr"
# As the invoking user gtrec can still end root's command and read its memory for the last snapshot.
SUDO_UID=65534 SUDO_GID=65534 "$GTREC" -q -d 300ms -o "$T/any/t.gtr" -- "$term" -d 60s >"$T/out"
grep -q '"signal":"terminated"' "$T/out" || fail "-d under sudo does not end the command"
"$GTREPLAY" --at -0s "$T/any/t.gtr" >"$T/at"
grep -q 'main\.main' "$T/at" || fail "no snapshot at the end under sudo"
eq "owner of what was there" "$(stat -c %u:%a "$T/any/t.gtr.old")" 65534:600
"$GTREC" -q --user nobody -o "$T/any/u.gtr" -- sh -c "id -u; $quick" >"$T/out" || true
eq "owner with --user" "$(stat -c %U "$T/any/u.gtr")" nobody
eq "the command's user with --user" "$(head -1 "$T/out")" 65534
ln -s "$T/any/u.gtr" "$T/link.gtr"
rc=0
"$GTREC" -q -o "$T/link.gtr" -- true 2>"$T/err" || rc=$?
eq "status of -o onto a symlink" $rc 125
grep -q 'symbolic link' "$T/err" || fail "a symlink is refused without saying so: $(cat "$T/err")"

# ---- whole programs with -f ----
run 0 follow -f -- sh -c "$prog -code 0 -d 10ms; $prog -code 0 -d 10ms"
"$GTREPLAY" --json "$T/t.gtr" >"$T/steps"
eq "processes seen with -f" "$(python3 -c '
import json, sys
steps = map(json.loads, open(sys.argv[1]))
print(len({s["pid"] for s in steps if s.get("func") == "runtime.main"}))' "$T/steps")" 2
