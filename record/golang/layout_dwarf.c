/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Struct layout from DWARF, through libdw. Only asked for versions that we have no table for,
 * so that an ordinary binary's debug data is never parsed.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stddef.h>
#include <string.h>

#include "gobin.h"

#define MAX_UNITS   65536
#define MAX_MEMBERS 1024

enum { G, M, P, GC, N_STRUCTS };

static const char *const struct_names[N_STRUCTS] = { "runtime.g", "runtime.m", "runtime.p",
						     "runtime.gcControllerState" };

#define FIELD(field, strct, path, must)                                                            \
	{                                                                                          \
		offsetof(struct gt_layout, field), strct, path, must                               \
	}

/* Member paths as in Go; "" is the struct's size. MUST: without it nothing can be recorded. */
static const struct field {
	size_t at;
	int strct;
	const char *path;
	bool must;
} fields[] = {
	FIELD(g_stack_lo, G, "stack.lo", true),
	FIELD(g_stack_hi, G, "stack.hi", true),
	FIELD(g_m, G, "m", true),
	FIELD(g_sched_sp, G, "sched.sp", true),
	FIELD(g_sched_pc, G, "sched.pc", true),
	FIELD(g_sched_g, G, "sched.g", false),
	FIELD(g_sched_bp, G, "sched.bp", true),
	FIELD(g_syscallpc, G, "syscallpc", true),
	FIELD(g_atomicstatus, G, "atomicstatus", true),
	FIELD(g_goid, G, "goid", true),
	FIELD(g_waitreason, G, "waitreason", true),
	FIELD(g_lockedm, G, "lockedm", false),
	FIELD(g_parent_goid, G, "parentGoid", false),
	FIELD(g_gopc, G, "gopc", true),
	FIELD(g_startpc, G, "startpc", true),
	FIELD(g_labels, G, "labels", false),
	FIELD(g_coroarg, G, "coroarg", false),
	FIELD(g_size, G, "", true),
	FIELD(m_procid, M, "procid", true),
	FIELD(m_curg, M, "curg", true),
	FIELD(m_p, M, "p", true),
	FIELD(m_id, M, "id", true),
	FIELD(m_preemptoff, M, "preemptoff", false),
	FIELD(m_size, M, "", false),
	FIELD(p_id, P, "id", true),
	FIELD(p_status, P, "status", false),
	FIELD(p_m, P, "m", false),
	FIELD(p_runqhead, P, "runqhead", true),
	FIELD(p_runqtail, P, "runqtail", true),
	FIELD(p_runnext, P, "runnext", false),
	FIELD(gc_heap_live, GC, "heapLive", false),
	FIELD(gc_heap_marked, GC, "heapMarked", false),
	FIELD(gc_heap_goal, GC, "heapGoal", false),
	FIELD(gc_percent_goal, GC, "gcPercentHeapGoal", false),
	FIELD(gc_sweep_trigger, GC, "sweepDistMinTrigger", false),
	FIELD(gc_triggered, GC, "triggered", false),
	FIELD(gc_memory_limit, GC, "memoryLimit", false),
	FIELD(gc_heap_free, GC, "heapFree", false),
	FIELD(gc_total_alloc, GC, "totalAlloc", false),
	FIELD(gc_total_free, GC, "totalFree", false),
	FIELD(gc_mapped_ready, GC, "mappedReady", false),
};

static bool member(Dwarf_Die *strct, const char *name, size_t n, Dwarf_Die *ret)
{
	Dwarf_Die d;

	if (dwarf_child(strct, &d) != 0)
		return false;
	for (int i = 0; i < MAX_MEMBERS; i++) {
		const char *got = dwarf_tag(&d) == DW_TAG_member ? dwarf_diename(&d) : NULL;

		if (got && strlen(got) == n && !memcmp(got, name, n)) {
			*ret = d;
			return true;
		}
		if (dwarf_siblingof(&d, &d) != 0)
			break;
	}
	return false;
}

/* The type of a member, typedefs removed. */
static bool type_of(Dwarf_Die *d, Dwarf_Die *ret)
{
	Dwarf_Attribute a;
	Dwarf_Die t;

	return dwarf_attr(d, DW_AT_type, &a) && dwarf_formref_die(&a, &t) &&
	       dwarf_peel_type(&t, ret) == 0;
}

static uint32_t offset_of(Dwarf_Die strct, const char *path)
{
	Dwarf_Word v, sum = 0;

	if (!*path) {
		Dwarf_Attribute a;

		return dwarf_attr(&strct, DW_AT_byte_size, &a) && dwarf_formudata(&a, &v) == 0 &&
				       v < UINT32_MAX
			       ? (uint32_t)v
			       : UINT32_MAX;
	}
	for (;;) {
		size_t n = strcspn(path, ".");
		Dwarf_Attribute a;
		Dwarf_Die d;

		if (!member(&strct, path, n, &d) ||
		    !dwarf_attr(&d, DW_AT_data_member_location, &a) ||
		    dwarf_formudata(&a, &v) != 0 || v >= 1u << 20)
			return UINT32_MAX;
		sum += v;
		if (!path[n])
			return (uint32_t)sum;
		if (!type_of(&d, &strct))
			return UINT32_MAX;
		path += n + 1;
	}
}

/* The structs that we want among the children of a unit; true when all are found. */
static bool structs_in(Dwarf_Die *unit, Dwarf_Die ret[N_STRUCTS], bool have[N_STRUCTS])
{
	Dwarf_Die d;

	if (dwarf_child(unit, &d) != 0)
		return false;
	do {
		const char *name;

		if (dwarf_tag(&d) != DW_TAG_structure_type || !(name = dwarf_diename(&d)))
			continue;
		for (int i = 0; i < N_STRUCTS; i++)
			if (!have[i] && !strcmp(name, struct_names[i])) {
				ret[i] = d;
				have[i] = true;
			}
		if (have[G] && have[M] && have[P] && have[GC])
			return true;
	} while (dwarf_siblingof(&d, &d) == 0);
	return have[G] && have[M] && have[P];
}

static bool find_structs(Dwarf *dw, Dwarf_Die ret[N_STRUCTS], bool have[N_STRUCTS])
{
	Dwarf_Off off = 0, next;
	size_t header;

	for (int i = 0;
	     i < MAX_UNITS && dwarf_nextcu(dw, off, &next, &header, NULL, NULL, NULL) == 0;
	     i++, off = next) {
		Dwarf_Die unit;
		const char *name;

		if (!dwarf_offdie(dw, off + header, &unit) || !(name = dwarf_diename(&unit)) ||
		    strcmp(name, "runtime") != 0)
			continue;
		if (structs_in(&unit, ret, have))
			return true;
	}
	return false;
}

bool gt_gobin_dwarf_layout(const struct gt_gobin *b, struct gt_layout *ret)
{
	Dwarf *dw = dwarf_begin(b->img.fd, DWARF_C_READ);
	Dwarf_Die structs[N_STRUCTS];
	struct gt_layout l = { 0 };
	bool have[N_STRUCTS] = { false }, ok = dw && find_structs(dw, structs, have);

	for (size_t i = 0; ok && i < sizeof(fields) / sizeof(*fields); i++) {
		uint32_t v = have[fields[i].strct]
				     ? offset_of(structs[fields[i].strct], fields[i].path)
				     : UINT32_MAX;

		memcpy((char *)&l + fields[i].at, &v, sizeof(v));
		ok = v != UINT32_MAX || !fields[i].must;
	}
	if (dw)
		dwarf_end(dw);
	if (ok)
		*ret = l;
	return ok;
}
