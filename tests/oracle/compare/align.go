// SPDX-License-Identifier: BSD-2-Clause

package main

import "math"

// Aligning what two witnesses say of one goroutine: step by step in order, by kind of change.
// Where they differ a rule may explain it; else it is a mismatch, and the comparison goes on
// where three steps in a row agree again.

const (
	near   = 10e6 // ns: steps that may be the same when looking for where they agree again
	apart  = 20e6 // ns: steps of one kind that are so far apart need a second look
	window = 60   // steps that are looked ahead
)

// rule explains a difference that both are right about. It looks at the next steps of each
// and says how many it takes, 0 and 0 for none. Of two rules that fit, the one wins after which
// both agree, then the one whose decisive steps, the last taken of each, lie closer together.
type rule struct {
	name string
	take func(g, t []step) (int, int)
}

func kinds(s []step, want ...string) bool {
	if len(s) < len(want) {
		return false
	}
	for i, k := range want {
		if s[i].kind() != k {
			return false
		}
	}
	return true
}

var rules = []rule{
	// exitsyscall: "since we need to pretend that we lost the P", or another one was idle.
	{"P lost in a system call, another had at once: the tracer tells it as a wait for one",
		func(g, t []step) (int, int) {
			if kinds(g, "syscall>runnable", "runnable>running") && kinds(t, "syscall>running") &&
				g[1].t-g[0].t < near {
				return 2, 1
			}
			return 0, 0
		}},
	// Go 1.26: the status is running from the begin of exitsyscall on, until exitsyscallNoP.
	{"system call ends without a P: gtrace saw its end, then the wait for one",
		func(g, t []step) (int, int) {
			if kinds(g, "syscall>runnable") && kinds(t, "syscall>running", "running>runnable") {
				return 1, 2
			}
			return 0, 0
		}},
	// procresize: "pretend that we were descheduled and then scheduled again".
	{"GOMAXPROCS takes the P of its own goroutine: the tracer tells the move as a yield",
		func(g, t []step) (int, int) {
			if kinds(g, "running>runnable", "runnable>running") && g[0].pretence {
				return 2, 0
			}
			return 0, 0
		}},
}

// pair is one change that both saw.
type pair struct{ g, t step }

// outcome is what came of one goroutine, or of all.
type outcome struct {
	pairs    []pair
	chained  []bool // pairs[i] follows pairs[i-1] with nothing between them
	ruled    map[string]int
	edges    int // steps at the ends of the tracer's time, where it may or may not look yet
	mismatch func(class, detail string)
}

type aligner struct {
	t0, t1 int64 // the tracer's time
	slack  int64
	v1     bool // the trace format before Go 1.22
	out    *outcome
}

func (a *aligner) same(g, t step) bool {
	return g.to == t.to && (g.from == t.from || t.from == unknown)
}

func (a *aligner) apart(g, t step) int64 {
	if a.v1 && g.from == inSyscall && t.t > g.t {
		return 0 // the tracer knows the end of a short system call as its begin
	}
	return abs(g.t - t.t)
}

// agree: whether the next three steps are the same or explained by a rule, close in time.
func (a *aligner) agree(g, t []step) bool { return a.alike(g, t, near) }

func (a *aligner) alike(g, t []step, within int64) bool {
	if len(g) == 0 || len(t) == 0 {
		return len(g) == len(t)
	}
	for n := 0; n < 3 && len(g) > 0 && len(t) > 0; n++ {
		i, j := 1, 1
		if !a.same(g[0], t[0]) {
			i, j = explained(g, t)
		}
		if i+j == 0 || (i > 0 && j > 0 && a.apart(g[i-1], t[j-1]) > within) {
			return false
		}
		g, t = g[i:], t[j:]
	}
	return true
}

// explained: how many steps of each the first rule takes that fits.
func explained(g, t []step) (int, int) {
	for _, r := range rules {
		if i, j := r.take(g, t); i+j > 0 {
			return i, j
		}
	}
	return 0, 0
}

// soon: whether they agree after a few steps that are the same but far apart in time: the thread
// had lost its CPU between the two stamps.
func (a *aligner) soon(g, t []step) bool {
	for n := 0; n < window && len(g) > 0 && len(t) > 0; n++ {
		i, j := 1, 1
		if !a.same(g[0], t[0]) {
			i, j, _ = a.rule(g, t)
		}
		if g, t = g[i:], t[j:]; i+j == 0 || a.agree(g, t) {
			return i+j > 0
		}
	}
	return false
}

// pretends: whether the tracer's first step is a pretence, and gtrace's the real one after it.
func (a *aligner) pretends(g, t []step) bool {
	return g[0].pretence && len(g) > 2 && a.same(g[2], t[0]) && a.apart(g[2], t[0]) < a.apart(g[0], t[0])
}

// resync finds the fewest steps to leave out for both to agree again.
func (a *aligner) resync(g, t []step) (int, int) {
	for d := 1; d <= window; d++ {
		for i := 0; i <= d; i++ {
			if i <= len(g) && d-i <= len(t) && a.agree(g[i:], t[d-i:]) {
				return i, d - i
			}
		}
	}
	return len(g), len(t)
}

// left takes note of a step that only one of them has.
func (a *aligner) left(whose string, s step) {
	if abs(s.t-a.t0) <= a.slack || abs(s.t-a.t1) <= a.slack {
		a.out.edges++
		return
	}
	a.out.mismatch(whose+" "+s.kind(), stepText(s))
}

// rule is the one that explains the next steps best, by its name, and how many it takes.
func (a *aligner) rule(g, t []step) (int, int, string) {
	bi, bj, name, best, agreed := 0, 0, "", int64(math.MaxInt64), false
	for _, r := range rules {
		i, j := r.take(g, t)
		if i+j == 0 {
			continue
		}
		d, fine := int64(0), a.agree(g[i:], t[j:])
		if i > 0 && j > 0 {
			d = abs(g[i-1].t - t[j-1].t)
		}
		if (fine && !agreed) || (fine == agreed && d < best) {
			bi, bj, name, best, agreed = i, j, r.name, d, fine
		}
	}
	return bi, bj, name
}

// head leaves out what gtrace saw before the tracer looked: of the steps about its begin the
// one counts as its first that is closest, if those after it are the same.
func (a *aligner) head(g, t []step) []step {
	best, from := int64(math.MaxInt64), 0
	for i := 0; len(g) > 0 && i < len(t) && (i == 0 || t[i-1].t <= a.t0+a.slack); i++ {
		if d := a.apart(g[0], t[i]); d < best && a.alike(g, t[i:], math.MaxInt64) {
			best, from = d, i
		}
	}
	a.out.edges += from
	return t[from:]
}

// run compares the steps of one goroutine.
func (a *aligner) run(g, t []step) {
	t = a.head(g, t)
	chained := false
	for len(g) > 0 || len(t) > 0 {
		ok := len(g) > 0 && len(t) > 0 && a.same(g[0], t[0]) && !a.pretends(g, t)
		i, j := 1, 1
		if ok && a.apart(g[0], t[0]) > apart && !a.soon(g, t) {
			// The same change, or its like from another turn of a loop?
			if x, y := a.resync(g, t); x != y && a.agree(g[x:], t[y:]) {
				ok, i, j = false, x, y
			}
		} else if !ok {
			var name string
			if i, j, name = a.rule(g, t); i+j > 0 {
				a.out.ruled[name]++
				g, t, chained = g[i:], t[j:], false
				continue
			}
			i, j = a.resync(g, t)
		}
		if ok {
			a.out.pairs = append(a.out.pairs, pair{g[0], t[0]})
			a.out.chained = append(a.out.chained, chained)
			chained = true
		} else {
			for _, s := range g[:i] {
				a.left("only the Go tracer saw", s)
			}
			for _, s := range t[:j] {
				a.left("only gtrace saw", s)
			}
			chained = false
		}
		g, t = g[i:], t[j:]
	}
}

// inTime are the steps of gtrace in the tracer's time, with the slack.
func (a *aligner) inTime(s []step) []step {
	i, j := 0, len(s)
	for i < j && s[i].t < a.t0-a.slack {
		i++
	}
	for j > i && s[j-1].t > a.t1+a.slack {
		j--
	}
	return s[i:j]
}
