/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap's size and goal from the fields of runtime.gcController. To Go 1.18 the goal is one of
 * them; since 1.19 the runtime computes it when it is asked for, and so do we.
 * [src/runtime/mgcpacer.go: heapGoalInternal, memoryLimitHeapGoal, Go 1.19-1.26]
 */
#include "heap.h"

#define MIN_RUNWAY   (64u << 10) /* minRunway */
#define MIN_HEADROOM (1u << 20)	 /* memoryLimitMinHeapGoalHeadroom */
#define HEADROOM     3		 /* memoryLimitHeapGoalHeadroomPercent */

static uint64_t at(const struct gt_wire_heap *w, uint32_t off)
{
	return off < GT_WIRE_HEAP_BYTES ? w->word[off / 8] : 0;
}

/* The goal that the memory limit sets. HEADROOM in percent came with 1.21. */
static uint64_t by_limit(const struct gt_wire_heap *w, const struct gt_layout *l, bool headroom)
{
	uint64_t limit = at(w, l->gc_memory_limit), marked = at(w, l->gc_heap_marked);
	uint64_t used = at(w, l->gc_heap_free) + at(w, l->gc_total_alloc) - at(w, l->gc_total_free);
	uint64_t mapped = at(w, l->gc_mapped_ready);
	uint64_t other = mapped > used ? mapped - used : 0;
	uint64_t over = mapped > limit ? mapped - limit : 0;

	if (other + over >= limit)
		return marked;
	uint64_t goal = limit - (other + over), room = MIN_HEADROOM;
	if (headroom && goal / 100 * HEADROOM > room)
		room = goal / 100 * HEADROOM;
	goal = goal < room || goal - room < room ? room : goal - room;
	return goal < marked ? marked : goal;
}

static uint64_t goal_of(const struct gt_wire_heap *w, const struct gt_layout *l, int minor)
{
	uint64_t goal = at(w, l->gc_percent_goal), limited = by_limit(w, l, minor >= 21);
	uint64_t sweep = at(w, l->gc_sweep_trigger), triggered = at(w, l->gc_triggered);

	if (limited < goal)
		return limited;
	if (sweep > goal)
		goal = sweep;
	if (triggered != UINT64_MAX && goal < triggered + MIN_RUNWAY)
		goal = triggered + MIN_RUNWAY;
	return goal;
}

static bool has(uint32_t off)
{
	return off % 8 == 0 && off + 8 <= GT_WIRE_HEAP_BYTES;
}

bool gt_heap_read(const struct gt_wire_heap *w, const struct gt_layout *l, int minor,
		  struct gt_heap *ret)
{
	bool computed = has(l->gc_percent_goal) && has(l->gc_sweep_trigger) &&
			has(l->gc_triggered) && has(l->gc_memory_limit) && has(l->gc_heap_free) &&
			has(l->gc_total_alloc) && has(l->gc_total_free) &&
			has(l->gc_mapped_ready) && has(l->gc_heap_marked);
	uint64_t some = 0;

	if (!has(l->gc_heap_live) || !(computed || has(l->gc_heap_goal)))
		return false;
	for (size_t i = 0; i < GT_WIRE_HEAP_BYTES / 8; i++)
		some |= w->word[i];
	if (!some)
		return false;
	uint64_t goal = computed ? goal_of(w, l, minor) : at(w, l->gc_heap_goal);
	*ret = (struct gt_heap){ at(w, l->gc_heap_live), goal == UINT64_MAX ? 0 : goal };
	return true;
}
