#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The probes compile for amd64 and for arm64, whatever this machine is: each register has its
# place, and both objects hold the same programs.
. "$(dirname "$0")/../lib.sh"
CLANG=${CLANG:-clang}
BPFTOOL=$(command -v /usr/sbin/bpftool || echo bpftool)
need "$CLANG"
need "$BPFTOOL"

include=/usr/include/$(${CC:-cc} -print-multiarch)

# compile ARCH: bpf/*.bpf.c as record/build.mk does it, without warnings, into one object.
compile() {
	for c in bpf/*.bpf.c; do
		"$CLANG" -target bpf -mcpu=v3 -O2 -g -Wall -Werror -D__TARGET_ARCH_"$1" -I"$include" -Ibpf \
			-c -o "$T/$(basename "$c").$1.o" "$c" 2>"$T/$1.err" ||
			fail "$1 does not compile: $(cat "$T/$1.err")"
	done
	mv "$T/kernel.bpf.c.$1.o" "$T/kernel.$1.o" # an object of its own
	"$BPFTOOL" gen object "$T/$1.o" "$T"/*.bpf.c."$1".o 2>"$T/$1.err" ||
		fail "$1 does not link: $(cat "$T/$1.err")"
}

# programs OBJECT: what gtrec loads, as `section name` a line.
programs() {
	readelf -SW "$1" | sed -n 's/^ *\[ *\([0-9]*\)\] \(uprobe[^ ]*\) .*/\1 \2/p' >"$1.sections"
	readelf -sW "$1" | awk 'NR == FNR { name[$1] = $2; next }
		$4 == "FUNC" && $5 == "GLOBAL" && $7 in name { print name[$7], $8 }' "$1.sections" - | sort
}

for arch in x86 arm64; do
	compile $arch
	programs "$T/$arch.o" >"$T/$arch"
	# shellcheck disable=SC2013 # one word a name
	for name in $(sed -n 's/^PROBE(\([a-z_]*\),.*/\1/p' bpf/*.bpf.c); do
		grep -qx "uprobe $name" "$T/$arch" || fail "$arch: no program $name in section uprobe"
		grep -qx "uprobe.s ${name}_s" "$T/$arch" || fail "$arch: no program ${name}_s in section uprobe.s"
	done
done
[ "$(wc -l <"$T/x86")" -ge 10 ] || fail "few programs: $(cat "$T/x86")"
for arch in x86 arm64; do
	readelf -sW "$T/kernel.$arch.o" 2>"$T/err" | awk '$4 == "FUNC" && $5 == "GLOBAL" { print $8 }' | sort >"$T/kernel.$arch"
	grep -qx sched_switch "$T/kernel.$arch" || fail "$arch: no program sched_switch"
done
diff -u "$T/kernel.x86" "$T/kernel.arm64" || fail "the kernel's objects hold other programs"
diff -u "$T/x86" "$T/arm64" || fail "the objects hold other programs"
