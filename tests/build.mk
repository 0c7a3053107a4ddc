# Tests. tests/run runs them: one line a test, then `N passed, N failed, N skipped`.
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(UNIT_SRC:%.c=$(O)/%)
CLI_TESTS    := $(wildcard tests/cli/*.sh)
LIVE_TESTS   := $(wildcard tests/live/*.sh)
ORACLE_TESTS := $(wildcard tests/oracle/*.sh)
# Slow (it does all of this again): only when asked for with GT_CLEAN=1, or by check-clean.
CLEAN_TESTS  := $(if $(GT_CLEAN),$(wildcard tests/clean/*.sh))
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=build/fuzz/%)
REPLAY_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(O)/tests/replay/%)
GTDUMP := $(O)/tests/golden/gtdump
K ?=
RUN = O=$(O) tests/run $(if $(K),-k '$(K)')

$(O)/tests/unit/%: tests/unit/%.c $(O)/libgolang.a $(O)/libreaders.a $(O)/libengine.a $(O)/libgtrace.a | need-unit
	@mkdir -p $(@D); $(SAY) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(filter %.o %.a,$^) $(UNIT_EXTRA) -lcmocka -ldw -lelf $(FORMAT_LIBS) -lm

PROC_TESTS := $(patsubst %,$(O)/tests/unit/test_%,launch launch_harmless outfile target)
$(PROC_TESTS): $(O)/libproc.a
$(O)/tests/unit/launch_lab.o: | need-unit
$(O)/tests/unit/test_launch $(O)/tests/unit/test_launch_harmless: $(O)/tests/unit/launch_lab.o
$(PROC_TESTS): UNIT_EXTRA = $(O)/libgolang.a $(O)/libgtrace.a $(PROC_LIBS) -lpthread

$(O)/tests/unit/test_govern: $(O)/record/govern.o
$(O)/tests/unit/test_probes: $(O)/bpf/probes.skel.h
$(O)/tests/unit/test_probes: UNIT_EXTRA = $(RECORD_LIBS)

$(O)/tests/unit/test_heap: $(O)/record/heap.o

# Sample traces for the scripts.
$(O)/tests/sample: tests/golden/sample.c $(O)/libgtrace.a
	@mkdir -p $(@D); $(SAY) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $^ $(FORMAT_LIBS) -lm

.PHONY: unit
unit: need-unit $(O)/tests/sample
unit: $(UNIT_BIN) ## build the unit tests

.PHONY: check
check: ## get what the tests need, build, run all tests; K=REGEX picks some
	tests/scripts/deps build test lint
	$(MAKE) all unit $(REPLAY_BIN)
	tests/scripts/go-fixtures --fetch build/fixtures || [ $$? = 77 ]
	$(RUN) tests/scripts/lint $(UNIT_BIN) $(CLI_TESTS) $(LIVE_TESTS) $(ORACLE_TESTS) $(CLEAN_TESTS)

.PHONY: check-clean
check-clean: ## make demo and make check in a clean Debian root (root, 20 minutes)
	tests/scripts/deps build test lint
	$(RUN) tests/clean/clean-root.sh

.PHONY: check-fast
check-fast: all unit $(REPLAY_BIN) ## the tests that need neither root nor Go: about a minute
	$(RUN) $(UNIT_BIN) $(CLI_TESTS)

.PHONY: live
live: all $(GTDUMP) ## the tests that record real programs (root)
	$(RUN) $(LIVE_TESTS)

.PHONY: oracle
oracle: all $(GTDUMP) ## gtrec's view of a program against the program's own runtime/trace (root)
	$(RUN) $(ORACLE_TESTS)

.PHONY: check-matrix
check-matrix: all $(GTDUMP) ## the oracle over every line of Go and every ordeal (root)
	$(RUN) tests/oracle/matrix.sh

.PHONY: asan
asan: ## unit and cli tests with AddressSanitizer and UBSan
	$(MAKE) O=build/asan SAN=address,undefined check-fast

.PHONY: lint
lint: ## formatting, sizes, complexity, layers, banned calls, shell scripts
	tests/scripts/deps lint
	tests/scripts/lint

.PHONY: demo
demo: ## a leaky Go service, recorded, explained and exported into ./demo-out
	tests/scripts/deps build demo
	$(MAKE) all
	O=$(O) tests/scripts/demo

.PHONY: bench
bench: all $(O)/tests/bench/empty $(O)/tests/bench/bench_format $(O)/tests/bench/bench_seek ## costs, as ratios of one run (root)
	tests/scripts/deps build demo
	O=$(O) tests/bench/run

.PHONY: bench-budget
bench-budget: all ## does --max-overhead hold, by the target's CPU time; 20 pairs of 10 s (root)
	O=$(O) tests/bench/budget

.PHONY: fuzz
T ?= 60
fuzz: ## libFuzzer on everything that reads untrusted bytes; T=SECONDS each
	tests/scripts/deps build fuzz
	$(MAKE) O=build/fuzz CC=$(CLANG) SAN=address,undefined \
		CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' $(FUZZ_BIN)
	tests/scripts/fuzz $(T) $(FUZZ_BIN)

build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(O)/libgolang.a $(O)/libreaders.a $(O)/libengine.a $(O)/libgtrace.a
	@mkdir -p $(@D); $(SAY) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< $(filter %.a,$^) -ldw -lelf $(FORMAT_LIBS) -lm

# The recorder with probes that do nothing: what the benches compare with.
$(O)/tests/bench/empty: tests/bench/empty.c $(filter-out %/gtrec.o,$(RECORD_OBJ)) $(O)/libgolang.a $(O)/libengine.a $(O)/libgtrace.a
	@mkdir -p $(@D); $(SAY) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(RECORD_LIBS) $(FORMAT_LIBS)

# Large traces: making them, opening, searching.
$(O)/tests/bench/bench_seek: tests/bench/bench_seek.c $(O)/libengine.a $(O)/libgtrace.a
	@mkdir -p $(@D); $(SAY) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $(filter %.c %.a,$^) $(FORMAT_LIBS) -lm

# The fuzz targets without libFuzzer: the kept corpus, once.
$(O)/tests/replay/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/replay_main.c $(O)/libgolang.a $(O)/libreaders.a $(O)/libengine.a $(O)/libgtrace.a
	@mkdir -p $(@D); $(SAY) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.c %.a,$^) -ldw -lelf $(FORMAT_LIBS) -lm

.PHONY: replay-corpus
replay-corpus: $(REPLAY_BIN) ## the kept inputs of the fuzzers, once each
	@for b in $(REPLAY_BIN); do echo "$$(basename $$b): $$($$b tests/fuzz/corpus/$$(basename $$b))" || exit 1; done
