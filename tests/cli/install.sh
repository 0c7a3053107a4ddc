#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What `make install` leaves: every file, the modes, and a library that a stranger can use.
# timeout: 300
. "$(dirname "$0")/../lib.sh"
need pkg-config cc readelf
[ -x "$O/tests/golden/gtdump" ] || skip "gtdump is not built: make unit"

root=$T/root prefix=/opt/gtrace
at=$root$prefix
# The tests run with a build tree of their own; the tools of it are installed, nothing is built anew.
# shellcheck disable=SC2086 # SAN is empty or one word
env -u MAKEFLAGS -u MAKELEVEL make -s -C "$TOP" O="$O" ${SAN:+SAN=$SAN} \
	DESTDIR="$root" PREFIX="$prefix" install >"$T/log" 2>&1 || {
	cat "$T/log"
	fail "make install"
}

for tool in gtrec gtreplay gtstat gtexport; do
	[ "$(stat -c %a "$at/bin/$tool")" = 755 ] || fail "$tool: mode"
	"$at/bin/$tool" --version | grep -qx "$tool [0-9][0-9.]*" || fail "$tool --version"
	if command -v scdoc >/dev/null; then
		[ "$(stat -c %a "$at/share/man/man1/$tool.1")" = 644 ] || fail "$tool.1"
		grep -q '^\.SH EXIT STATUS' "$at/share/man/man1/$tool.1" || fail "$tool.1: sections"
	else
		grep -q 'scdoc is not installed' "$T/log" || fail "no man pages, and no word of it"
	fi
done
grep -q 'Redistribution and use' "$at/share/doc/gtrace/LICENSE" || fail "licence"

# Nothing else, nothing outside of the prefix, nothing that only we may read.
(cd "$root" && find . -type f ! -path './opt/gtrace/share/man/*' | sort) >"$T/files"
version=$("$at/bin/gtstat" -V | cut -d' ' -f2)
cat >"$T/expected" <<-FILES
	./opt/gtrace/bin/gtexport
	./opt/gtrace/bin/gtrec
	./opt/gtrace/bin/gtreplay
	./opt/gtrace/bin/gtstat
	./opt/gtrace/include/gtrace/base/err.h
	./opt/gtrace/include/gtrace/gtrace.h
	./opt/gtrace/include/gtrace/model.h
	./opt/gtrace/lib/libgtrace.a
	./opt/gtrace/lib/libgtrace.so.$version
	./opt/gtrace/lib/pkgconfig/gtrace.pc
	./opt/gtrace/share/doc/gtrace/FORMAT-EXAMPLE.md
	./opt/gtrace/share/doc/gtrace/FORMAT.md
	./opt/gtrace/share/doc/gtrace/LICENSE
	./opt/gtrace/share/doc/gtrace/README.md
	./opt/gtrace/share/doc/gtrace/example.c
	./opt/gtrace/share/doc/gtrace/gtrace.lua
	./opt/gtrace/share/doc/gtrace/python/gtrace/__init__.py
	./opt/gtrace/share/doc/gtrace/python/gtrace/__main__.py
	./opt/gtrace/share/doc/gtrace/python/gtrace/_body.py
	./opt/gtrace/share/doc/gtrace/python/gtrace/_file.py
FILES
diff "$T/expected" "$T/files" || fail "other files than promised"
[ -z "$(find "$root" -type f ! -perm -444)" ] || fail "a file that not everybody may read"
! grep -r "$root" "$at/lib/pkgconfig" || fail "the .pc file names DESTDIR"

# The library shows no name that is not its own; the shared one what the headers declare, versioned.
nm -g --defined-only "$at/lib/libgtrace.a" | awk 'NF == 3 && $3 !~ /^(gt_|__odr_asan)/' >"$T/names"
[ ! -s "$T/names" ] || fail "libgtrace.a: names without gt_: $(head -3 "$T/names")"
so=$at/lib/libgtrace.so
eq "libgtrace.so" "$(readlink -f "$so")" "$at/lib/libgtrace.so.$version"
eq "soname" "$(readelf -d "$so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')" "libgtrace.so.${version%%.*}"
[ -e "$at/lib/libgtrace.so.${version%%.*}" ] || fail "no file of the soname"
nm -D --defined-only "$so" | awk '$2 != "A" { print $3 }' | sort >"$T/shown"
cat "$at"/include/gtrace/gtrace.h "$at"/include/gtrace/base/err.h |
	sed 's|/\*.*||; s|^ \*.*||' | grep -o '\bgt_[a-z_0-9]*(' | tr -d '(' | sort -u |
	sed 's/$/@@GTRACE_0.1/' >"$T/declared"
[ "$(wc -l <"$T/declared")" -gt 40 ] || fail "hardly a function in the headers"
diff "$T/declared" "$T/shown" || fail "the shared library does not show what the headers declare"

export PKG_CONFIG_PATH=$at/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=
pc() { pkg-config --define-variable=prefix="$at" "$@" gtrace; }
eq "version of the .pc" "$(pc --modversion)" "$version"

# A stranger's program, as docs/ has it: only the installed headers and what the .pc says, shared and static.
# shellcheck disable=SC2046 # words
cc -std=c11 -Wall -Wextra -Wpedantic -Werror ${SAN:+-fsanitize=$SAN} -o "$T/shared" \
	$(pc --cflags) "$at/share/doc/gtrace/example.c" $(pc --libs)
# shellcheck disable=SC2046
cc -std=c11 ${SAN:+-fsanitize=$SAN} -o "$T/static" $(pc --cflags) "$at/share/doc/gtrace/example.c" \
	$(pc --static --libs | sed 's/-lgtrace/-l:libgtrace.a/')
[ "$(wc -l <"$at/share/doc/gtrace/example.c")" -le 30 ] || fail "the example is long"
readelf -d "$T/shared" | grep -q 'NEEDED.*libgtrace.so' || fail "the example does not take the shared library"
! readelf -d "$T/static" | grep -q 'NEEDED.*libgtrace.so' || fail "the static one does"
"$O/tests/sample" random 9 5000 "$T/random.gtr"
want=$("$O/tests/golden/gtdump" -e "$T/random.gtr" | grep -c '"new":4,')
for how in shared static; do
	LD_LIBRARY_PATH=$at/lib "$T/$how" "$T/random.gtr" >"$T/waits" 2>"$T/err" || fail "$how: $(cat "$T/err")"
	eq "waits that the $how example found" "$(wc -l <"$T/waits")" "$want"
done
[ "$want" -gt 100 ] || fail "the trace has $want waits"
! LD_LIBRARY_PATH=$at/lib "$T/shared" "$T/no-such-file" 2>"$T/err" || fail "no such file, no error"
grep -q 'No such file' "$T/err" || fail "the error says: $(cat "$T/err")"
