# libgtrace: base and the trace file.
BASE_SRC   := $(wildcard format/base/*.c)
FORMAT_SRC := $(wildcard format/*.c)
FORMAT_OBJ := $(BASE_SRC:%.c=$(O)/%.o) $(FORMAT_SRC:%.c=$(O)/%.o)
FORMAT_LIBS = $(shell $(PKG) --libs libzstd zlib)

$(O)/libgtrace.a: $(FORMAT_OBJ)
	@rm -f $@; $(SAY) AR $@
	$(Q)$(AR) rcs $@ $^

# The same for others' programs, shared; the four tools take the archive, so that each is one file to copy.
LIB_SONAME := libgtrace.so.$(firstword $(subst ., ,$(VERSION)))
LIB_SHARED := $(O)/libgtrace.so.$(VERSION)
$(LIB_SHARED): $(FORMAT_OBJ:$(O)/%=$(O)/pic/%) format/libgtrace.map
	@$(SAY) LINK $@
	$(Q)$(CC) -shared $(ALL_LDFLAGS) -Wl,-soname,$(LIB_SONAME) -Wl,--version-script=format/libgtrace.map \
		-Wl,-Bsymbolic-functions $(if $(SAN),,-Wl,-z,defs) -o $@ $(filter %.o,$^) $(FORMAT_LIBS)

$(O)/pic/%.o: %.c | need-libs
	@mkdir -p $(@D); $(SAY) CC "$< (shared)"
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -MMD -MP -c -o $@ $<

# ns and bytes for an event; `make $(O)/tests/bench/bench_format` and run it.
$(O)/tests/bench/bench_format: tests/bench/bench_format.c $(O)/libgtrace.a
	@mkdir -p $(@D); $(SAY) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(FORMAT_LIBS)

# What the tests of the file look through.
$(O)/tests/golden/gtdump: tests/golden/gtdump.c $(O)/libgtrace.a
	@mkdir -p $(@D); $(SAY) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(FORMAT_LIBS)
unit: $(O)/tests/golden/gtdump
$(O)/tests/unit/test_format_nomem $(O)/tests/unit/test_replay_nomem: UNIT_EXTRA = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
