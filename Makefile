# gtrace: the flight recorder for Go schedulers. `make help` lists the targets.
# O=DIR builds elsewhere; SAN=address,undefined builds with sanitizers; V=1 shows the commands.
VERSION  := 0.1.0
O        ?= build/release
SAN      ?=
PREFIX   ?= /usr/local
DESTDIR  ?=
CC       ?= cc
CLANG    ?= clang
BPFTOOL  ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PKG      := pkg-config
ARCH     := $(shell uname -m)
BPF_ARCH := $(if $(filter aarch64,$(ARCH)),arm64,x86)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
# One short line for each command, unless V=1.
Q := $(if $(V),,@)
SAY = $(if $(V),:,printf '  %-5s %s\n')

CFLAGS   ?= -O2 -g
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wvla \
            -Wformat=2 -Wundef -Wmissing-prototypes $(if $(WERROR),-Werror)
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DGTRACE_VERSION='"$(VERSION)"' -I. -I$(O) $(WARN) $(CFLAGS) \
            -fstack-protector-strong $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -O1 -DGT_SAN)
ALL_LDFLAGS = $(LDFLAGS) $(if $(SAN),-fsanitize=$(SAN))

include format/build.mk record/build.mk replay/build.mk docs/build.mk tests/build.mk

TOOLS := $(O)/gtrec $(O)/gtreplay $(O)/gtstat $(O)/gtexport

.PHONY: all
all: $(TOOLS) $(LIB_SHARED) ## build the four tools and libgtrace

$(O)/%.o: %.c | need-libs
	@mkdir -p $(@D); $(SAY) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# ---- what must be installed: one clear message instead of a compiler's ----
NEED_PKGS := libelf:libelf-dev libdw:libdw-dev libzstd:libzstd-dev zlib:zlib1g-dev libbpf:libbpf-dev libcap:libcap-dev
NEED_CMDS := $(CC):gcc $(CLANG):clang $(BPFTOOL):bpftool $(PKG):pkg-config
.PHONY: need-libs need-unit
need-unit: NEED_PKGS := cmocka:libcmocka-dev
need-unit: NEED_CMDS := $(PKG):pkg-config
need-libs need-unit:
	@missing=; \
	for p in $(NEED_CMDS); do command -v $${p%%:*} >/dev/null 2>&1 || missing="$$missing $${p##*:}"; done; \
	for p in $(NEED_PKGS); do $(PKG) --exists $${p%%:*} 2>/dev/null || missing="$$missing $${p##*:}"; done; \
	if [ -n "$$missing" ]; then \
		echo "gtrace needs these Debian packages:$$missing" >&2; \
		echo "  sudo apt-get install$$missing      (or: make deps)" >&2; exit 1; fi

.PHONY: deps
deps: ## install what building and testing need (Debian 12)
	tests/scripts/deps build test

# The headers stand in a directory of their own, as they lie here: they find each other.
LIB_HEADERS := gtrace.h model.h base/err.h
INSTALL_IN  := $(DESTDIR)$(PREFIX)
.PHONY: install
install: all man ## the tools, man pages and libgtrace, below $(DESTDIR)$(PREFIX)
	install -d $(INSTALL_IN)/bin $(INSTALL_IN)/lib/pkgconfig $(INSTALL_IN)/include/gtrace/base \
		$(INSTALL_IN)/share/man/man1 $(INSTALL_IN)/share/doc/gtrace/python/gtrace
	install -m 755 $(TOOLS) $(INSTALL_IN)/bin
	install -m 644 $(O)/libgtrace.a $(LIB_SHARED) $(INSTALL_IN)/lib
	ln -sf $(notdir $(LIB_SHARED)) $(INSTALL_IN)/lib/$(LIB_SONAME)
	ln -sf $(LIB_SONAME) $(INSTALL_IN)/lib/libgtrace.so
	for h in $(LIB_HEADERS); do install -m 644 format/$$h $(INSTALL_IN)/include/gtrace/$$h || exit 1; done
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' format/gtrace.pc.in \
		>$(INSTALL_IN)/lib/pkgconfig/gtrace.pc
	chmod 644 $(INSTALL_IN)/lib/pkgconfig/gtrace.pc
	for m in $(MAN); do [ ! -e $$m ] || install -m 644 $$m $(INSTALL_IN)/share/man/man1 || exit 1; done
	install -m 644 LICENSE README.md docs/FORMAT.md docs/FORMAT-EXAMPLE.md docs/example.c docs/gtrace.lua $(INSTALL_IN)/share/doc/gtrace
	install -m 644 docs/python/gtrace/*.py $(INSTALL_IN)/share/doc/gtrace/python/gtrace

.PHONY: clean
clean: ## remove the build tree
	rm -rf build

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile */build.mk | sed -E 's/:.*## /\t/' | sort | expand -t 14

-include $(shell find $(O) -name '*.d' 2>/dev/null)
