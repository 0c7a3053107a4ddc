// SPDX-License-Identifier: BSD-2-Clause

// Gotables tells what the symbol table and the DWARF data of a Go program say about it, through
// Go's own libraries and never by its pclntab. record/golang/offsets.inc is made of its layout;
// the tests compare what record/golang reads with all of it.
//
//	gotables layout PROGRAM   "field offset" lines, in the order of struct gt_layout
//	gotables funcs PROGRAM    "address size name" lines
//	gotables frames PROGRAM   "address TAB func TAB file TAB line ..." lines, innermost first
package main

import (
	"bufio"
	"debug/elf"
	"fmt"
	"os"
)

var out = bufio.NewWriter(os.Stdout)

func run(verb, path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	defer out.Flush()
	switch verb {
	case "layout":
		return layout(f)
	case "funcs":
		return funcs(f)
	case "frames":
		return frames(f)
	}
	return fmt.Errorf("no such verb: %s", verb)
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gotables layout|funcs|frames PROGRAM")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "gotables:", err)
		os.Exit(1)
	}
}
