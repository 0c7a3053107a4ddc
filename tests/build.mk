# Tests. `make check` runs them all; each prints its own `N passed, N failed, N skipped`.
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(UNIT_SRC:%.c=$(O)/%)

$(O)/tests/unit/%: tests/unit/%.c $(O)/libgolang.a $(O)/libengine.a $(O)/libgtrace.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(filter %.o %.a,$^) $(UNIT_EXTRA) -lcmocka -lelf $(FORMAT_LIBS) -lm

.PHONY: unit
unit: $(UNIT_BIN) ## build the unit tests
