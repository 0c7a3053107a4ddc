# libgtrace: base and the trace file.
BASE_SRC   := $(wildcard format/base/*.c)
FORMAT_SRC := $(wildcard format/*.c)
FORMAT_OBJ := $(BASE_SRC:%.c=$(O)/%.o) $(FORMAT_SRC:%.c=$(O)/%.o)
FORMAT_LIBS = $(shell $(PKG) --libs libzstd zlib)

$(O)/libgtrace.a: $(FORMAT_OBJ)
	@rm -f $@; $(SAY) AR $@
	$(Q)$(AR) rcs $@ $^

# ns and bytes for an event; `make $(O)/tests/bench/bench_format` and run it.
$(O)/tests/bench/bench_format: tests/bench/bench_format.c $(O)/libgtrace.a
	@mkdir -p $(@D); $(SAY) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(FORMAT_LIBS)

# What the tests of the file look through.
$(O)/tests/golden/gtdump: tests/golden/gtdump.c $(O)/libgtrace.a
	@mkdir -p $(@D); $(SAY) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(FORMAT_LIBS)
unit: $(O)/tests/golden/gtdump
$(O)/tests/unit/test_format_nomem: UNIT_EXTRA = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
