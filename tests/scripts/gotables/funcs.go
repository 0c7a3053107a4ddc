// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"debug/elf"
	"fmt"
	"strings"
)

// plain is a symbol's name as pclntab has it: without the suffix for the calling convention.
func plain(name string) string {
	return strings.TrimSuffix(strings.TrimSuffix(name, ".abi0"), ".abiinternal")
}

// isGo leaves out C functions and what the linker makes up.
func isGo(name string) bool {
	for _, p := range []string{"runtime.", "main.", "fmt.", "sync.", "syscall.", "strings.", "os.", "time."} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

func funcs(f *elf.File) error {
	syms, err := f.Symbols()
	if err != nil {
		return err
	}
	for _, s := range syms {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Size > 0 && isGo(s.Name) {
			fmt.Fprintf(out, "%x %d %s\n", s.Value, s.Size, plain(s.Name))
		}
	}
	return nil
}
