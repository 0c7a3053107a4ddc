// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"debug/dwarf"
	"debug/elf"
	"fmt"
)

const (
	langGo  = 0x16 // DW_LANG_Go
	perFunc = 3    // addresses looked at in one function
	stride  = 4    // every fourth function of the runtime and the library
)

type frame struct {
	name string
	file string
	line int
}

// unit is one compilation unit with its lines.
type unit struct {
	d     *dwarf.Data
	files []*dwarf.LineFile
	lines *dwarf.LineReader
}

func (u *unit) at(pc uint64) (string, int, bool) {
	var e dwarf.LineEntry
	if u.lines.SeekPC(pc, &e) != nil || e.File == nil {
		return "", 0, false
	}
	return e.File.Name, e.Line, true
}

func (u *unit) covers(e *dwarf.Entry, pc uint64) bool {
	rs, err := u.d.Ranges(e)
	if err != nil {
		return false
	}
	for _, r := range rs {
		if pc >= r[0] && pc < r[1] {
			return true
		}
	}
	return false
}

func (u *unit) name(e *dwarf.Entry) string {
	for i := 0; i < 4; i++ {
		if n, ok := e.Val(dwarf.AttrName).(string); ok {
			return plain(n)
		}
		off, ok := e.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset)
		if !ok {
			break
		}
		r := u.d.Reader()
		r.Seek(off)
		o, err := r.Next()
		if err != nil || o == nil {
			break
		}
		e = o
	}
	return ""
}

// chain is the stack of inlined calls at pc in the function fn, innermost first.
func (u *unit) chain(fn *dwarf.Entry, pc uint64) []frame {
	file, line, ok := u.at(pc)
	if !ok {
		return nil
	}
	r := u.d.Reader()
	r.Seek(fn.Offset)
	if _, err := r.Next(); err != nil {
		return nil
	}
	down := []*dwarf.Entry{fn} // from the function to the innermost call
	for fn.Children {
		e, err := r.Next()
		if err != nil || e == nil || e.Tag == 0 {
			break
		}
		switch {
		case e.Tag == dwarf.TagInlinedSubroutine && u.covers(e, pc):
			down = append(down, e)
			if !e.Children {
				break
			}
			continue // its children are next
		case e.Tag == dwarf.TagLexDwarfBlock && e.Children && u.covers(e, pc):
			continue
		}
		if e.Children {
			r.SkipChildren()
		}
	}
	var fs []frame
	for i := len(down) - 1; i >= 0; i-- {
		fs = append(fs, frame{u.name(down[i]), file, line})
		if i > 0 {
			n, _ := down[i].Val(dwarf.AttrCallFile).(int64)
			l, _ := down[i].Val(dwarf.AttrCallLine).(int64)
			if n < 0 || int(n) >= len(u.files) || u.files[n] == nil {
				return nil
			}
			file, line = u.files[n].Name, int(l)
		}
	}
	return fs
}

func (u *unit) print(fn *dwarf.Entry) {
	rs, err := u.d.Ranges(fn)
	if err != nil || len(rs) != 1 {
		return
	}
	lo, hi := rs[0][0], rs[0][1]
	for k := uint64(0); k < perFunc; k++ {
		pc := (lo + (hi-lo)*k/perFunc) &^ 3
		if pc < lo {
			pc = lo
		}
		fs := u.chain(fn, pc)
		if len(fs) == 0 {
			continue
		}
		fmt.Fprintf(out, "%x", pc)
		for _, f := range fs {
			fmt.Fprintf(out, "\t%s\t%s\t%d", f.name, f.file, f.line)
		}
		fmt.Fprintln(out)
	}
}

func frames(f *elf.File) error {
	d, err := f.DWARF()
	if err != nil {
		return err
	}
	var u *unit
	var pkg string
	n := 0
	for r := d.Reader(); ; {
		e, err := r.Next()
		if err != nil || e == nil {
			return err
		}
		switch e.Tag {
		case dwarf.TagCompileUnit:
			u = nil
			pkg, _ = e.Val(dwarf.AttrName).(string)
			if lang, _ := e.Val(dwarf.AttrLanguage).(int64); lang != langGo {
				r.SkipChildren()
				continue
			}
			if lr, err := d.LineReader(e); err == nil && lr != nil {
				u = &unit{d, lr.Files(), lr}
			}
		case dwarf.TagSubprogram:
			if _, inline := e.Val(dwarf.AttrInline).(int64); u != nil && !inline {
				if n++; pkg == "main" || n%stride == 0 {
					u.print(e)
				}
			}
			r.SkipChildren()
		default:
			r.SkipChildren()
		}
	}
}
