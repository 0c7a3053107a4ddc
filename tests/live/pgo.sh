#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Profile-guided builds, in which casgstatus is inlined wherever the compiler is willing to: their
# traces are as complete and as true as others', by the program's own runtime/trace. A copy that
# cannot be probed is told of, by gtrec and by doctor.
# timeout: 900
. "$(dirname "$0")/../lib.sh"
need_bpf
need python3

compare=$T/compare
GOTOOLCHAIN=auto tests/scripts/go -C tests/oracle/compare build -o "$compare" .

for version in ${GT_ORACLE_GO:-1.26 1.23 1.21}; do
	program=$(subject selftrace "$version" pgo)
	t=$T/$version
	echo "== $(basename "$program")"
	"$GTREC" doctor -v "$program" >"$t.doctor"
	copies=$(grep -c 'inlined by PGO, .*, emulated$' "$t.doctor") || true
	[ "$copies" -ge 20 ] || fail "only $copies inlined copies in $program: $(cat "$t.doctor")"
	"$GTREC" -q -o "$t.gtr" -- "$program" -d 2s -trace "$t.trace" -dump "$t.dump" >"$t.out" 2>"$t.err"
	! grep -i 'profile-guided' "$t.err" || fail "gtrec misses transitions"
	"$GTREPLAY" --verify "$t.gtr" >"$t.verify" || fail "$(cat "$t.verify")"
	"$GTREPLAY" --json "$t.gtr" >"$t.json"
	"$compare" -dump "$t.dump" "$t.trace" "$t.json" >"$t.compare" || fail "$(cat "$t.compare")"
	echo "$copies copies probed; $(tail -n 1 "$t.compare")"
done

# dropm runs in cgo programs only: with a byte that is no instruction in it, its copy is not
# understood, and the rest is recorded as before.
program=$(subject selftrace local pgo)
at=$("$GTREC" doctor -v "$program" |
	sed -n 's/.*inlined by PGO, runtime\.dropm+[0-9]* (file offset \(0x[0-9a-f]*\)).*/\1/p')
[ -n "$at" ] || fail "no copy in runtime.dropm"
cp "$program" "$T/spoilt"
printf '\006' | dd of="$T/spoilt" bs=1 seek=$((at)) conv=notrunc status=none
"$GTREC" doctor "$T/spoilt" >"$T/doctor" || true
grep -q 'runtime.dropm: its code is not understood; its transitions will be missing' "$T/doctor" ||
	fail "doctor says nothing of the copy in dropm: $(cat "$T/doctor")"
"$GTREC" -o "$T/spoilt.gtr" -- "$T/spoilt" -d 200ms -trace "$T/spoilt.trace" >"$T/out" 2>"$T/err"
grep -q 'profile-guided build: the transitions of runtime.casgstatus in runtime.dropm are missing' "$T/err" ||
	fail "gtrec says nothing of the copy in dropm: $(cat "$T/err")"
"$GTREPLAY" --verify "$T/spoilt.gtr" >"$T/verify" || fail "$(cat "$T/verify")"
