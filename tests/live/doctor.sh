#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gtrec doctor and gtrec list: what they say of hosts, binaries and processes: stripped ones, PIE,
# a replaced binary, Go in a shared object of a C program, and those that cannot be traced.
# timeout: 180
. "$(dirname "$0")/../lib.sh"
need_bpf
need python3 cc setpriv unshare

# doctor STATUS NAME ARGS...: its JSON in $T/doctor
doctor() {
	local want=$1 name=$2 rc=0
	shift 2
	"$GTREC" doctor --json "$@" >"$T/doctor" 2>"$T/err" || rc=$?
	[ $rc = "$want" ] || fail "doctor $name: status $rc, expected $want: $(cat "$T/doctor" "$T/err")"
}

# says CHECK VERDICT TEXT: some line of the last report
says() {
	python3 - "$T/doctor" "$@" <<'PY' || fail "doctor does not say '$2 $1: $3': $(cat "$T/doctor")"
import json, sys
d = json.load(open(sys.argv[1]))
check, verdict, text = sys.argv[2:]
bad = sum(c["verdict"] == "fail" for c in d["checks"])
assert d["failures"] == bad and d["traceable"] == (bad == 0)
sys.exit(not any(c["check"] == check and c["verdict"] == verdict and text in c["says"] for c in d["checks"]))
PY
}

# ---- host ----
doctor 0 host
says kernel ok "$(uname -r)"
says probe ok "works"
says "ring buffer" ok "can be made"
cp "$GTREC" "$T/gtrec"
chmod 711 "$T"
rc=0
setpriv --reuid 65534 --regid 65534 --clear-groups "$T/gtrec" doctor --json >"$T/doctor" || rc=$?
eq "doctor without rights" $rc 4
says rights fail "CAP_BPF"
says "ring buffer" fail "Operation not permitted"

# ---- binaries ----
plain=$(subject sigterm)
stripped=$(subject sigterm local stripped)
doctor 0 plain "$plain"
says probe ok "runtime.casgstatus+"
says Go ok "go1."
says layout ok "table of this Go version"
says snapshot ok "symbol table"
doctor 0 stripped "$stripped"
says Go ok "stripped"
doctor 0 "Go 1.20" "$(subject sigterm 1.20)"
says probe ok "runtime.casgstatus+31"
"$GTREC" doctor -v "$plain" >"$T/text"
grep -q '^ok .*emulated' "$T/text" || fail "doctor -v says nothing of emulation"
doctor 4 "a C program" /bin/true
says binary fail "no Go program"
doctor 4 "a script" "$0"
says binary fail "no ELF"
doctor 4 "no file" "$T/nothing"
says binary fail "No such file"
doctor 2 "two things" "$plain" "$stripped"
(cd tests/subjects && GOARCH=386 CGO_ENABLED=0 "$TOP/tests/scripts/go" build -o "$T/i386" ./sigterm)
doctor 4 "32 bit" "$T/i386"
says binary fail "32"

# ---- processes ----
cp "$plain" "$T/copy"
start "$T/copy" -d 60s >"$T/ready.copy"
copy=$PID
start "$stripped" -d 60s >"$T/ready.stripped"
bare=$PID
wait_for 20 grep -q ready "$T/ready.copy"
wait_for 20 grep -q ready "$T/ready.stripped"
cp /bin/true "$T/copy.new"
mv "$T/copy.new" "$T/copy" # another program has the name now
doctor 0 "a replaced binary" "$copy"
says process ok "replaced on disk"
says process ok "'$T/copy'"
"$GTREC" -q -d 200ms -o "$T/copy.gtr" -p "$copy"
"$GTREPLAY" --at -1ms "$T/copy.gtr" >"$T/at"
grep -q 'main\.main' "$T/at" || fail "a replaced binary is not traced"
doctor 4 "a kernel thread" 2
says process fail ""
doctor 4 "itself" $$
says process fail "no Go program"
doctor 4 "nobody" 1073741823
says process fail "no process"

# On an overlay, as in containers, maps and stat tell different devices for one file.
mkdir "$T/low" "$T/tmpfs" "$T/over"
cp "$plain" "$T/low/prog"
cat >"$T/overlay" <<SH
mount -t tmpfs none "$T/tmpfs" && mkdir "$T/tmpfs/up" "$T/tmpfs/work" &&
	mount -t overlay none -o "lowerdir=$T/low,upperdir=$T/tmpfs/up,workdir=$T/tmpfs/work" "$T/over" ||
	exit 77
exec "$GTREC" -q -o "$T/over.gtr" -d 300ms -- "$T/over/prog" -d 60s
SH
rc=0
unshare -m sh "$T/overlay" >"$T/out" 2>"$T/err" || rc=$?
[ $rc = 0 ] || [ $rc = 77 ] || fail "a program on an overlay: status $rc: $(cat "$T/err")"
if [ $rc = 0 ]; then
	"$GTREPLAY" --at -0s "$T/over.gtr" >"$T/at"
	grep -q 'main\.main' "$T/at" || fail "a program on an overlay has no main in its snapshot"
fi

# Go in a shared object of a C program.
mkdir "$T/so"
cat >"$T/so/go.mod" <<'MOD'
module gtrace.test/so
go 1.17
MOD
cat >"$T/so/lib.go" <<'GO'
package main

import "C"
import "time"

func worker(c chan int) {
	for v := range c {
		time.Sleep(time.Duration(v))
	}
}

//export Begin
func Begin() {
	c := make(chan int)
	go worker(c)
	for i := 0; i < 100000; i++ {
		c <- 1000000
	}
}

func main() {}
GO
cat >"$T/so/main.c" <<'C'
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv)
{
	void *so = dlopen(argv[argc - 1], RTLD_NOW);
	void (*begin)(void) = so ? (void (*)(void))dlsym(so, "Begin") : 0;
	puts("ready");
	fflush(stdout);
	if (begin)
		begin();
	return 1;
}
C
(cd "$T/so" && GOFLAGS=-buildvcs=false "$TOP/tests/scripts/go" build -buildmode=c-shared -o libgo.so . && cc -o host main.c -ldl)
start "$T/so/host" "$T/so/libgo.so" >"$T/ready.so"
so=$PID
wait_for 20 grep -q ready "$T/ready.so"
doctor 0 "a shared object" "$so"
says process ok "libgo.so"
says Go ok "shared object"
"$GTREC" -q -d 300ms -o "$T/so.gtr" -p "$so"
"$GTREPLAY" --verify "$T/so.gtr" >"$T/verify" || fail "shared object: $(cat "$T/verify")"
"$GTREPLAY" --json "$T/so.gtr" >"$T/steps"
grep -q '"func":"main.worker"' "$T/steps" || fail "no event of the shared object's goroutine"

# ---- list ----
# A program of Go 1.16, as far as it says itself: it is shown, and why it cannot be traced.
python3 - "$plain" "$T/old" <<'PY'
import re, sys
code = open(sys.argv[1], "rb").read()
def older(m):
    return b"go1.16" + b"." + b"9" * (len(m[0]) - 7)
open(sys.argv[2], "wb").write(re.sub(rb"go1\.\d\d\.\d+", older, code))
PY
chmod +x "$T/old"
start "$T/old" -d 60s >"$T/ready.old"
old=$PID
wait_for 20 grep -q ready "$T/ready.old"
"$GTREC" list >"$T/list" 2>"$T/err"
"$GTREC" list --json >"$T/list.json" 2>"$T/err"
python3 - "$T" "$copy" "$bare" "$so" "$old" $$ <<'PY' || fail "list: $(cat "$T/list.json" "$T/list")"
import json, sys
t, copy, bare, so, old, me = sys.argv[1], *map(int, sys.argv[2:])
rows = {p["pid"]: p for p in json.load(open(t + "/list.json"))["processes"]}
text = open(t + "/list").read().splitlines()
assert text[0].split() == ["PID", "USER", "GO", "STRIPPED", "TRACEABLE", "COMMAND"], text[0]
for pid in (copy, bare, so):
    assert rows[pid]["traceable"] and rows[pid]["why_not"] is None, rows[pid]
    assert rows[pid]["go"].startswith("go1.") and rows[pid]["user"] == "root", rows[pid]
    assert any(x.split()[0] == str(pid) for x in text[1:]), pid
assert rows[bare]["stripped"] and not rows[copy]["stripped"]
assert rows[so]["image"].endswith("libgo.so") and rows[so]["exe"].endswith("host")
assert me not in rows
assert rows[old]["go"].startswith("go1.16.") and not rows[old]["traceable"], rows[old]
assert "Go 1.17 is the oldest" in rows[old]["why_not"] and rows[old]["stripped"] is None, rows[old]
assert any(x.split()[0] == str(old) and "oldest" in x for x in text[1:]), old
PY
