#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The kept inputs of the fuzzers do no harm, whatever compiler the tree is built with.
. "$(dirname "$0")/../lib.sh"

n=0
for corpus in tests/fuzz/corpus/*/; do
	name=$(basename "$corpus")
	[ -x "$O/tests/replay/$name" ] || fail "$name has a corpus, but is not built"
	"$O/tests/replay/$name" "$corpus" || fail "$name"
	n=$((n + 1))
done
[ "$n" -gt 0 ] || fail "no corpus"

# the seeds that a script writes are what it writes
need python3
python3 tests/fuzz/gobin_seeds.py "$T/seeds"
for seed in "$T"/seeds/*; do
	cmp "$seed" "tests/fuzz/corpus/fuzz_gobin/$(basename "$seed")" || fail "run tests/fuzz/gobin_seeds.py"
done
