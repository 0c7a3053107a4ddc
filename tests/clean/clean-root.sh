#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# README's two commands on a Debian 12 that has nothing of ours but git, make and certificates:
# `make demo` and `make check` must get all else themselves, and do what they promise there.
# `make check-clean`, or `make check GT_CLEAN=1`.
# timeout: 3000
. "$(dirname "$0")/../lib.sh"
need_bpf
need debootstrap git
root=$T/root

clean() {
	tests/scripts/clean-root -k -d "$root" "$@"
}
clean make demo >"$T/demo.log" 2>&1 || fail "make demo: $(tail -25 "$T/demo.log")"
for fact in '^LEAK ' '^LOCK ' 'fetchPrice demoservice/main.go:[0-9]' 'take demoservice/main.go:[0-9]'; do
	grep -q "$fact" "$T/demo.log" || fail "the demo does not say $fact: $(tail -60 "$T/demo.log")"
done
for f in trace.gtr trace.json summary.txt; do
	[ -s "$root/gtrace/demo-out/$f" ] || fail "the demo left no $f"
done
clean make check >"$T/check.log" 2>&1 || fail "make check: $(tail -60 "$T/check.log")"
tail -1 "$T/check.log"
rm -rf --one-file-system "$root"
