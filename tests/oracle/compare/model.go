// SPDX-License-Identifier: BSD-2-Clause

package main

import "sort"

// state is what a goroutine does, in the words that both witnesses share.
type state uint8

const (
	none     state = iota // not created yet, or gone
	unknown               // gtrace does not know; the Go tracer never says so
	runnable              // on a run queue
	running
	waiting // with a reason; "preempted" (stopped for a stack scan) is one of them
	inSyscall
)

var stateNames = [...]string{"none", "unknown", "runnable", "running", "waiting", "syscall"}

func (s state) String() string { return stateNames[s] }

// step is one change of state of one goroutine.
type step struct {
	t        int64 // ns, on the witness's own clock
	from, to state
	reason   string // of the wait, where to == waiting
	waker    int64  // goid, where to == runnable and a goroutine did it; else 0
	inferred string // gtrace did not see it but concluded it, by this rule
	pretence bool   // Go tracer only: procresize moves its own goroutine to another P
	cpu, tid int64  // gtrace only
}

func (s step) kind() string { return s.from.String() + ">" + s.to.String() }

// life is all that a witness tells about one goroutine.
type life struct {
	goid   int64
	born   bool  // created while the witness looked
	parent int64 // goid, where born
	fn     string
	site   string // "function file:line" of the go statement
	first  state  // what it did when the witness first saw it, where it was not born
	steps  []step
}

// during are the states, by their names or the reason of the wait, in [t0, t1].
func (l *life) during(t0, t1 int64) []string {
	text := func(s state, reason string) string {
		if s == waiting {
			return reason
		}
		return s.String()
	}
	i := sort.Search(len(l.steps), func(i int) bool { return l.steps[i].t > t0 })
	var out []string
	if i == 0 {
		out = append(out, text(l.first, ""))
	} else {
		out = append(out, text(l.steps[i-1].to, l.steps[i-1].reason))
	}
	for ; i < len(l.steps) && l.steps[i].t <= t1; i++ {
		out = append(out, text(l.steps[i].to, l.steps[i].reason))
	}
	return out
}

// history is the testimony of one witness.
type history struct {
	lives  map[int64]*life
	t0, t1 int64            // first and last time
	events int              // state changes
	marks  map[string]int64 // log messages of the program, Go tracer only
	v1     bool             // the trace format before Go 1.22
	lost   int64            // events that gtrace says it lost
	busy   map[int64][]at   // by CPU: which thread was seen there when, gtrace only
}

// at is a thread seen on a CPU.
type at struct{ t, tid int64 }

func newHistory() *history {
	return &history{lives: map[int64]*life{}, marks: map[string]int64{}, busy: map[int64][]at{}}
}

func (h *history) life(goid int64) *life {
	l := h.lives[goid]
	if l == nil {
		l = &life{goid: goid}
		h.lives[goid] = l
	}
	return l
}

// add appends a step and keeps the span.
func (h *history) add(l *life, s step) {
	if h.events == 0 || s.t < h.t0 {
		h.t0 = s.t
	}
	h.t1 = max(h.t1, s.t)
	h.events++
	l.steps = append(l.steps, s)
}

// goids are the goroutines in order.
func (h *history) goids() []int64 {
	ids := make([]int64, 0, len(h.lives))
	for id := range h.lives {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	return ids
}
