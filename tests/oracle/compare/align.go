// SPDX-License-Identifier: BSD-2-Clause

package main

import "math"

// Aligning what two witnesses say of one goroutine: step by step in order, by kind of change.
// Where they differ a rule may explain it; else it is a mismatch, and the comparison goes on
// where three steps in a row agree again.

const (
	near   = 5e6  // ns: steps that may be the same when looking for where they agree again
	apart  = 20e6 // ns: steps of one kind that are so far apart need a second look
	window = 60   // steps that are looked ahead
)

// rule explains a difference that both are right about. It looks at the next steps of each
// and says how many it takes, 0 and 0 for none. Of two rules that fit, the one wins whose
// decisive steps, the last taken of each, lie closer together.
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
	out    *outcome
}

func (a *aligner) same(g, t step) bool {
	return g.to == t.to && (g.from == t.from || t.from == unknown)
}

func (a *aligner) apart(g, t step) int64 { return abs(g.t - t.t) }

// agree: whether the next three steps are the same, close in time.
func (a *aligner) agree(g, t []step) bool {
	n := min(3, len(g), len(t))
	for i := 0; i < n; i++ {
		if !a.same(g[i], t[i]) || a.apart(g[i], t[i]) > near {
			return false
		}
	}
	return n > 0 || (len(g) == 0 && len(t) == 0)
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

func (a *aligner) rule(g, t []step) (int, int) {
	bi, bj, name, best := 0, 0, "", int64(math.MaxInt64)
	for _, r := range rules {
		if i, j := r.take(g, t); i+j > 0 {
			if d := abs(g[i-1].t - t[j-1].t); d < best {
				bi, bj, name, best = i, j, r.name, d
			}
		}
	}
	if bi+bj > 0 {
		a.out.ruled[name]++
	}
	return bi, bj
}

// head leaves out what gtrace saw before the tracer looked: of the steps about its begin the
// one counts as its first that is closest.
func (a *aligner) head(g, t []step) []step {
	best, from := int64(math.MaxInt64), 0
	for i := 0; len(g) > 0 && i < len(t) && (i == 0 || t[i-1].t <= a.t0+a.slack); i++ {
		if d := a.apart(g[0], t[i]); d < best && a.agree(g, t[i:]) {
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
		ok := len(g) > 0 && len(t) > 0 && a.same(g[0], t[0])
		i, j := 1, 1
		if ok && a.apart(g[0], t[0]) > apart {
			// The same change, or its like from another turn of a loop?
			if x, y := a.resync(g, t); x != y && a.agree(g[x:], t[y:]) {
				ok, i, j = false, x, y
			}
		} else if !ok {
			if i, j = a.rule(g, t); i+j > 0 {
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
