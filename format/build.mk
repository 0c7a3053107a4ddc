# libgtrace: base and the trace file.
BASE_SRC   := $(wildcard format/base/*.c)
FORMAT_SRC := $(wildcard format/*.c)
FORMAT_OBJ := $(BASE_SRC:%.c=$(O)/%.o) $(FORMAT_SRC:%.c=$(O)/%.o)
FORMAT_LIBS = $(shell $(PKG) --libs libzstd zlib)

$(O)/libgtrace.a: $(FORMAT_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^
