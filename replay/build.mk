# The readers: engine, gtreplay, gtstat, gtexport.
ENGINE_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard replay/engine/*.c))
STAT_OBJ   := $(patsubst %.c,$(O)/%.o,$(wildcard replay/stat/*.c))
EXPORT_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard replay/export/*.c))
SHOW_OBJ   := $(patsubst %.c,$(O)/%.o,$(wildcard replay/show/*.c))
VIEW_OBJ   := $(patsubst %.c,$(O)/%.o,$(wildcard replay/view/*.c))

$(O)/libengine.a: $(ENGINE_OBJ)
	@rm -f $@; $(SAY) AR $@
	$(Q)$(AR) rcs $@ $^

# What the readers share, and their answers: for the tools and for the unit tests.
$(O)/libreaders.a: $(SHOW_OBJ) $(STAT_OBJ) $(EXPORT_OBJ) $(VIEW_OBJ)
	@rm -f $@; $(SAY) AR $@
	$(Q)$(AR) rcs $@ $^

$(O)/gtreplay: $(O)/replay/gtreplay.o $(O)/libreaders.a $(O)/libengine.a $(O)/libgtrace.a
$(O)/gtstat: $(O)/replay/gtstat.o $(O)/libreaders.a $(O)/libengine.a $(O)/libgtrace.a
$(O)/gtexport: $(O)/replay/gtexport.o $(O)/libreaders.a $(O)/libengine.a $(O)/libgtrace.a
$(O)/gtreplay $(O)/gtstat $(O)/gtexport:
	@$(SAY) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(FORMAT_LIBS) -lm
