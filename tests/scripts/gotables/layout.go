// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"debug/dwarf"
	"debug/elf"
	"fmt"
	"strings"
)

// The fields of struct gt_layout: a path of members from runtime.g, .m, .p or
// .gcControllerState. An empty path is the size of the struct.
var fields = []struct{ name, strct, path string }{
	{"g_stack_lo", "runtime.g", "stack.lo"},
	{"g_stack_hi", "runtime.g", "stack.hi"},
	{"g_m", "runtime.g", "m"},
	{"g_sched_sp", "runtime.g", "sched.sp"},
	{"g_sched_pc", "runtime.g", "sched.pc"},
	{"g_sched_g", "runtime.g", "sched.g"},
	{"g_sched_bp", "runtime.g", "sched.bp"},
	{"g_syscallpc", "runtime.g", "syscallpc"},
	{"g_atomicstatus", "runtime.g", "atomicstatus"},
	{"g_goid", "runtime.g", "goid"},
	{"g_waitreason", "runtime.g", "waitreason"},
	{"g_lockedm", "runtime.g", "lockedm"},
	{"g_parent_goid", "runtime.g", "parentGoid"},
	{"g_gopc", "runtime.g", "gopc"},
	{"g_startpc", "runtime.g", "startpc"},
	{"g_labels", "runtime.g", "labels"},
	{"g_coroarg", "runtime.g", "coroarg"},
	{"g_size", "runtime.g", ""},
	{"m_procid", "runtime.m", "procid"},
	{"m_curg", "runtime.m", "curg"},
	{"m_p", "runtime.m", "p"},
	{"m_id", "runtime.m", "id"},
	{"m_preemptoff", "runtime.m", "preemptoff"},
	{"p_id", "runtime.p", "id"},
	{"p_status", "runtime.p", "status"},
	{"p_m", "runtime.p", "m"},
	{"p_runqhead", "runtime.p", "runqhead"},
	{"p_runqtail", "runtime.p", "runqtail"},
	{"p_runnext", "runtime.p", "runnext"},
	{"gc_heap_live", "runtime.gcControllerState", "heapLive"},
	{"gc_heap_marked", "runtime.gcControllerState", "heapMarked"},
	{"gc_heap_goal", "runtime.gcControllerState", "heapGoal"},
	{"gc_percent_goal", "runtime.gcControllerState", "gcPercentHeapGoal"},
	{"gc_sweep_trigger", "runtime.gcControllerState", "sweepDistMinTrigger"},
	{"gc_triggered", "runtime.gcControllerState", "triggered"},
	{"gc_memory_limit", "runtime.gcControllerState", "memoryLimit"},
	{"gc_heap_free", "runtime.gcControllerState", "heapFree"},
	{"gc_total_alloc", "runtime.gcControllerState", "totalAlloc"},
	{"gc_total_free", "runtime.gcControllerState", "totalFree"},
	{"gc_mapped_ready", "runtime.gcControllerState", "mappedReady"},
}

func structs(d *dwarf.Data) (map[string]*dwarf.StructType, error) {
	found := map[string]*dwarf.StructType{}
	for r := d.Reader(); len(found) < 4; {
		e, err := r.Next()
		if err != nil || e == nil {
			return found, err
		}
		name, _ := e.Val(dwarf.AttrName).(string)
		switch {
		case e.Tag == dwarf.TagCompileUnit && name != "runtime":
			r.SkipChildren()
		case e.Tag == dwarf.TagStructType && (name == "runtime.g" || name == "runtime.m" || name == "runtime.p" ||
			name == "runtime.gcControllerState"):
			t, err := d.Type(e.Offset)
			if err != nil {
				return nil, err
			}
			found[name] = t.(*dwarf.StructType)
		}
	}
	return found, nil
}

func offset(t *dwarf.StructType, path string) int64 {
	if path == "" {
		return t.ByteSize
	}
	var at int64
	parts := strings.Split(path, ".")
	for i, p := range parts {
		var f *dwarf.StructField
		for _, g := range t.Field {
			if g.Name == p {
				f = g
			}
		}
		if f == nil {
			return -1
		}
		at += f.ByteOffset
		if i < len(parts)-1 {
			typ := f.Type
			for {
				td, ok := typ.(*dwarf.TypedefType)
				if !ok {
					break
				}
				typ = td.Type
			}
			t = typ.(*dwarf.StructType)
		}
	}
	return at
}

// layout prints "name offset" for each field; -1 where the struct has none of that name.
func layout(f *elf.File) error {
	d, err := f.DWARF()
	if err != nil {
		return err
	}
	all, err := structs(d)
	if err != nil {
		return err
	}
	for _, fd := range fields {
		t := all[fd.strct]
		if t == nil {
			return fmt.Errorf("no %s in the DWARF data", fd.strct)
		}
		fmt.Println(fd.name, offset(t, fd.path))
	}
	return nil
}
