#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What `make install` leaves: every file, the modes, and a library that a stranger can use.
# timeout: 300
. "$(dirname "$0")/../lib.sh"
need pkg-config cc jq

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
cat >"$T/expected" <<-FILES
	./opt/gtrace/bin/gtexport
	./opt/gtrace/bin/gtrec
	./opt/gtrace/bin/gtreplay
	./opt/gtrace/bin/gtstat
	./opt/gtrace/include/gtrace/base/err.h
	./opt/gtrace/include/gtrace/gtrace.h
	./opt/gtrace/include/gtrace/model.h
	./opt/gtrace/lib/libgtrace.a
	./opt/gtrace/lib/pkgconfig/gtrace.pc
	./opt/gtrace/share/doc/gtrace/FORMAT-EXAMPLE.md
	./opt/gtrace/share/doc/gtrace/FORMAT.md
	./opt/gtrace/share/doc/gtrace/LICENSE
	./opt/gtrace/share/doc/gtrace/README.md
FILES
diff "$T/expected" "$T/files" || fail "other files than promised"
[ -z "$(find "$root" -type f ! -perm -444)" ] || fail "a file that not everybody may read"
! grep -r "$root" "$at/lib/pkgconfig" || fail "the .pc file names DESTDIR"

# The library shows no name that is not its own.
nm -g --defined-only "$at/lib/libgtrace.a" | awk 'NF == 3 && $3 !~ /^(gt_|__odr_asan)/' >"$T/names"
[ ! -s "$T/names" ] || fail "libgtrace.a: names without gt_: $(head -3 "$T/names")"

# A stranger's program: only the installed headers, the installed library, and what the .pc says.
cat >"$T/count.c" <<-'CLIENT'
	#include <gtrace/gtrace.h>
	#include <stdio.h>

	int main(int argc, char **argv)
	{
		struct gt_source src;
		struct gt_reader *r = NULL;
		struct gt_err err = { 0 };
		struct gt_item it;
		unsigned long n = 0;

		if (argc < 2 || gt_source_open(&src, argv[1], &err) || gt_reader_new(&r, &src, NULL, &err))
			return fprintf(stderr, "%s\n", err.msg), 1;
		while (gt_reader_next(r, &it, &err) == 1)
			n += it.type == GT_IT_EVENT;
		printf("%lu\n", n);
		gt_reader_free(r);
		gt_source_close(&src);
		return 0;
	}
CLIENT
export PKG_CONFIG_PATH=$at/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=
pc() { pkg-config --define-variable=prefix="$at" "$@" gtrace; }
[ "gtrace $(pc --modversion)" = "gtrace $("$at/bin/gtstat" -V | cut -d' ' -f2)" ] || fail "version"
# shellcheck disable=SC2046 # words
cc -std=c11 -Wall -Wextra -Wpedantic -Werror ${SAN:+-fsanitize=$SAN} -o "$T/count" \
	$(pc --cflags) "$T/count.c" $(pc --libs)
"$O/tests/sample" random 9 5000 "$T/random.gtr"
got=$("$T/count" "$T/random.gtr")
want=$("$at/bin/gtreplay" --verify --json "$T/random.gtr" | jq .events) || true
if [ "$got" != "$want" ] || [ "$got" = 0 ]; then
	fail "the client counts $got events, gtreplay $want"
fi
