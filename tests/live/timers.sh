#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Goroutines that timers start have no creator, as main's has none: with functions at every place of a
# page among them, the trace still goes on to the program's own end.
# timeout: 120
. "$(dirname "$0")/../lib.sh"
need_bpf

functions=600
more="; sum += len(text)*7; sum ^= len(text)*13"
mkdir "$T/prog"
printf 'module gtrace.test/timers\n\ngo 1.17\n' >"$T/prog/go.mod"
{
	printf 'package main\n\nimport (\n\t"sync"\n\t"time"\n)\n\nvar (\n\twait sync.WaitGroup\n\tsum int\n\ttext string\n)\n\n'
	for i in $(seq $functions); do
		# Of several sizes, so that they begin everywhere.
		printf '//go:noinline\nfunc f%d() { wait.Done()%s }\n' "$i" "${more:0:$((i % 3 * 21))}"
	done
	printf 'func main() {\n\twait.Add(%d)\n' $functions
	for i in $(seq $functions); do
		printf '\ttime.AfterFunc(time.Microsecond, f%d)\n' "$i"
	done
	printf '\twait.Wait()\n}\n'
} >"$T/prog/main.go"
tests/scripts/go -C "$T/prog" build -o "$T/timers" .
main=$(tests/scripts/go tool nm "$T/timers" | awk '$3 == "runtime.main" { print substr($1, length($1) - 2) }')
tests/scripts/go tool nm "$T/timers" | awk '$3 ~ /^main\.f[0-9]/ { print substr($1, length($1) - 2) }' | grep -qx "$main" ||
	fail "no function lies where runtime.main does in its page"
"$GTREC" -q -o "$T/t.gtr" -- "$T/timers"
ended=$("$GTREPLAY" --json "$T/t.gtr" | grep -c '"to":"dead","func":"main\.f[0-9]*"') || true
eq "goroutines that a timer started, ended" "$ended" $functions
"$GTREPLAY" --verify "$T/t.gtr" >"$T/verify" || fail "$(cat "$T/verify")"
