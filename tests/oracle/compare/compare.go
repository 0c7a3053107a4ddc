// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"fmt"
	"regexp"
)

// comparison holds both testimonies and what became of them.
type comparison struct {
	g, t     *history
	c        clock
	al       aligner
	out      outcome
	who      int64 // the goroutine that is compared
	counts   map[string]int
	bad      map[string]int
	examples map[string][]string
	compared int // goroutines

	stamps      map[string]*spread // by kind of change
	durations   spread
	far         int // durations that are far off for no reason that the traces show
	farExamples []string
}

func newComparison(g, t *history, slack int64) (*comparison, error) {
	k := &comparison{g: g, t: t, counts: map[string]int{}, bad: map[string]int{},
		examples: map[string][]string{}}
	var err error
	if k.c, err = alignClocks(g, t); err != nil {
		return nil, err
	}
	k.out = outcome{ruled: map[string]int{}, mismatch: k.mismatch}
	k.c.retime(g)
	k.al = aligner{t0: g.t0, t1: g.t1, slack: slack, v1: g.v1, out: &k.out}
	return k, nil
}

func (k *comparison) mismatch(class, detail string) {
	k.bad[class]++
	if len(k.examples[class]) < 5 {
		k.examples[class] = append(k.examples[class], fmt.Sprintf("goroutine %d: %s", k.who, detail))
	}
}

func stepText(s step) string {
	text := fmt.Sprintf("%s at %d ns", s.kind(), s.t)
	if s.reason != "" {
		text += " (" + s.reason + ")"
	}
	if s.inferred != "" {
		text += " [inferred: " + s.inferred + "]"
	}
	return text
}

// run compares every goroutine that either knows.
func (k *comparison) run() {
	for _, id := range k.g.goids() {
		k.who = id
		g, t := k.g.lives[id], k.t.lives[id]
		if k.stranger(g, t) {
			continue
		}
		if t == nil && len(g.steps) == 0 {
			k.counts["goroutines that did nothing in the tracer's time"]++
			continue
		}
		if t == nil {
			k.mismatch("goroutine unknown to gtrace", fmt.Sprintf("%s, %d steps", g.fn, len(g.steps)))
			continue
		}
		k.compared++
		k.identity(g, t)
		n := len(k.out.pairs)
		k.chain(t)
		k.al.run(g.steps, k.al.inTime(t.steps))
		for _, p := range k.out.pairs[n:] {
			k.pair(p)
		}
	}
	for _, id := range k.t.goids() {
		k.who = id
		if k.g.lives[id] == nil {
			k.onlyGt(k.t.lives[id])
		}
	}
	if k.t.lost > 0 {
		k.who = 0
		k.mismatch("events lost", fmt.Sprintf("%d, so gtrace says", k.t.lost))
	}
}

// stranger: up to Go 1.20 the tracer has the goroutines of C threads in a system call from when
// they are made on, whoever made them, and does not tell when such a thread comes or goes. What
// remains to be compared is what they do in between; false where nothing does.
func (k *comparison) stranger(g, t *life) bool {
	if !k.g.v1 || g.fn != "" || (t == nil && !g.born) || (t != nil && t.fn != "") {
		return false
	}
	const made = "a goroutine is made for threads of C: the tracer names who was there"
	const comes = "a thread of C comes or goes: the tracer has its goroutine in a system call meanwhile"
	if g.born {
		g.born, g.steps = false, g.steps[1:]
		k.out.ruled[made]++
	}
	if t == nil {
		return len(g.steps) == 0
	}
	var rest []step
	for _, s := range t.steps {
		if s.from == none && s.to == inSyscall || s.from == inSyscall && s.to == none {
			k.out.ruled[comes]++
			continue
		}
		rest = append(rest, s)
	}
	t.steps = rest
	return false
}

// onlyGt: what the tracer never mentions must have done nothing in its time.
func (k *comparison) onlyGt(t *life) {
	in := k.al.inTime(t.steps)
	for _, s := range in {
		k.al.left("goroutine unknown to the Go tracer:", s)
	}
	if len(in) == 0 {
		k.counts["goroutines that did nothing in the tracer's time"]++
	}
}

// chain: each state of gtrace's must begin where the one before ended.
func (k *comparison) chain(t *life) {
	for i := 1; i < len(t.steps); i++ {
		if t.steps[i].from != t.steps[i-1].to {
			k.mismatch("gtrace contradicts itself", stepText(t.steps[i-1])+", then "+
				stepText(t.steps[i]))
		}
	}
}

// wrapper is how the compiler names what it puts between a go statement with arguments and its
// function. Up to Go 1.21 that looks like any closure's name.
var (
	wrapper   = regexp.MustCompile(`(\.gowrap\d+|·dwrap·\d+)$`)
	wrapperV1 = regexp.MustCompile(`\.func\d+$`)
	// The tracer leaves out what a generic function was made for.
	generic = regexp.MustCompile(`\[[^\]]+\]`)
)

func sameName(goName, gtName string) bool {
	return goName == gtName || goName == generic.ReplaceAllString(gtName, "[...]")
}

func (k *comparison) identity(g, t *life) {
	if !g.born {
		return
	}
	if !t.born {
		k.mismatch("creation not seen", fmt.Sprintf("%s by %d", g.fn, g.parent))
		return
	}
	if g.parent != t.parent {
		k.mismatch("parent", fmt.Sprintf("Go %d, gtrace %d", g.parent, t.parent))
	}
	k.counts["parents"]++
	switch {
	case sameName(g.fn, t.fn):
		k.counts["entry functions"]++
	case wrapper.MatchString(t.fn) || k.g.v1 && wrapperV1.MatchString(t.fn):
		k.counts["entry functions that gtrace names by the compiler's wrapper"]++
	default:
		k.mismatch("entry function", fmt.Sprintf("Go %q, gtrace %q", g.fn, t.fn))
	}
	if t.site != "" && g.site != "" {
		if !sameName(g.site, t.site) {
			k.mismatch("creation site", fmt.Sprintf("Go %q, gtrace %q", g.site, t.site))
		}
		k.counts["creation sites"]++
	}
}

func (k *comparison) pair(p pair) {
	if p.t.inferred != "" {
		k.counts["changes that gtrace inferred: "+p.t.inferred]++
	}
	if p.g.to == waiting {
		k.counts["wait reasons"]++
		if !reasonFits(p.g.reason, p.t.reason, k.g.v1) {
			k.mismatch("wait reason", fmt.Sprintf("Go %q, gtrace %q at %d ns", p.g.reason, p.t.reason,
				p.t.t))
		}
	}
	if p.g.from == waiting && p.g.to == runnable {
		k.waker(p)
	}
}

// waker: the tracer names the goroutine in whose context a wake-up was written, gtrace one
// that did it. Where the runtime wakes on its own behalf gtrace names none.
func (k *comparison) waker(p pair) {
	switch {
	case p.g.waker == p.t.waker:
		k.counts["wakers"]++
	case p.t.waker == 0:
		k.counts["wakers whom only the tracer names: the runtime woke, in their context"]++
	default:
		k.mismatch("waker", fmt.Sprintf("Go %d, gtrace %d at %d ns", p.g.waker, p.t.waker, p.t.t))
	}
}
