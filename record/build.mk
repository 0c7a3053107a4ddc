# gtrec: the BPF object, its skeleton, the Go binary reader, the recorder.
GOLANG_SRC := $(wildcard record/golang/*.c)
GOLANG_OBJ := $(GOLANG_SRC:%.c=$(O)/%.o)
RECORD_SRC := $(wildcard record/*.c)
RECORD_OBJ := $(RECORD_SRC:%.c=$(O)/%.o)
# What handles processes and files but no probes: unit tests link it without BPF.
PROC_OBJ   := $(filter $(patsubst %,$(O)/record/%.o,launch launch_step priv target target_end target_mem \
	      threads outfile),$(RECORD_OBJ))
PROC_LIBS   = $(shell $(PKG) --libs libelf libdw libcap)
RECORD_LIBS = $(shell $(PKG) --libs libbpf libelf libdw libcap) -lpthread

$(O)/libgolang.a: $(GOLANG_OBJ)
	@rm -f $@; $(SAY) AR $@
	$(Q)$(AR) rcs $@ $^

$(O)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h) | need-libs
	@mkdir -p $(@D); $(SAY) BPF $<
	$(Q)$(CLANG) -target bpf -mcpu=v3 -O2 -g -Wall -Werror -D__TARGET_ARCH_$(BPF_ARCH) \
		-I/usr/include/$(shell $(CC) -print-multiarch) -Ibpf -c -o $@ $<

# One object of all probes: they share the rings, the loss counters and the configuration. What
# hangs on the kernel's own events is another.
BPF_OBJ := $(patsubst %.c,$(O)/%.o,$(filter-out bpf/kernel.bpf.c,$(wildcard bpf/*.bpf.c)))
$(O)/bpf/probes.o: $(BPF_OBJ)
	$(Q)$(BPFTOOL) gen object $@ $^

$(O)/bpf/probes.skel.h: $(O)/bpf/probes.o
	$(Q)$(BPFTOOL) gen skeleton $< name gt_probes > $@

$(O)/bpf/kernel.skel.h: $(O)/bpf/kernel.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $< name gt_kernel_progs > $@

$(O)/libproc.a: $(PROC_OBJ)
	@rm -f $@; $(SAY) AR $@
	$(Q)$(AR) rcs $@ $^

$(filter-out $(PROC_OBJ),$(RECORD_OBJ)): $(O)/bpf/probes.skel.h $(O)/bpf/kernel.skel.h

$(O)/gtrec: $(RECORD_OBJ) $(O)/libgolang.a $(O)/libengine.a $(O)/libgtrace.a
	@$(SAY) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(RECORD_LIBS) $(FORMAT_LIBS)
