# Man pages, from scdoc where it is installed; nothing else here is built.
MAN_SRC := $(wildcard docs/man/*.scd)
MAN     := $(MAN_SRC:docs/man/%.scd=$(O)/man/%)

$(O)/man/%: docs/man/%.scd
	@mkdir -p $(@D); $(SAY) MAN $@
	$(Q)scdoc <$< >$@

.PHONY: man
man: ## build the man pages (needs scdoc)
	@if command -v scdoc >/dev/null; then $(MAKE) --no-print-directory $(MAN); \
	else echo "note: no man pages, scdoc is not installed (apt-get install scdoc)" >&2; fi
