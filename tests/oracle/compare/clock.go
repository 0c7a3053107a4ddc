// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"fmt"
	"math"
	"sort"
)

// clock turns the Go tracer's times into gtrace's. From Go 1.22 on both count the nanoseconds
// of CLOCK_MONOTONIC (the tracer in units of 64) and differ by a constant: gtrace's t_ns starts
// with its trace. The format before that counts CPU ticks, scaled by a rate that the tracer
// estimated; there the rate is corrected too.
type clock struct {
	go0, gt0 float64
	rate     float64 // gtrace ns for each of the tracer's
}

func (c clock) gt(goNs int64) int64 {
	return int64(c.gt0 + (float64(goNs)-c.go0)*c.rate)
}

// retime sets all times of the tracer's to gtrace's clock.
func (c clock) retime(h *history) {
	for _, l := range h.lives {
		for i := range l.steps {
			l.steps[i].t = c.gt(l.steps[i].t)
		}
	}
	for what, t := range h.marks {
		h.marks[what] = c.gt(t)
	}
	h.t0, h.t1 = c.gt(h.t0), c.gt(h.t1)
}

func (c clock) String() string {
	return fmt.Sprintf("offset %.0f ns, rate %+.1f ppm", c.gt0-c.go0, (c.rate-1)*1e6)
}

type instant struct{ goNs, gtNs int64 }

// creations are the moments both witnesses saw without doubt: goids are never used twice.
func creations(g, t *history) []instant {
	var out []instant
	for id, l := range g.lives {
		m := t.lives[id]
		if l.born && m != nil && m.born && len(l.steps) > 0 && len(m.steps) > 0 {
			out = append(out, instant{l.steps[0].t, m.steps[0].t})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].goNs < out[j].goNs })
	return out
}

// middle is the median difference of a run of instants, and where it lies.
func middle(in []instant) (goNs float64, diff float64) {
	diffs := make([]float64, 0, len(in))
	sum := 0.0
	for _, m := range in {
		diffs = append(diffs, float64(m.gtNs-m.goNs))
		sum += float64(m.goNs - in[0].goNs)
	}
	sort.Float64s(diffs)
	return float64(in[0].goNs) + sum/float64(len(in)), diffs[len(diffs)/2]
}

func alignClocks(g, t *history) (clock, error) {
	in := creations(g, t)
	if len(in) < 5 {
		return clock{}, fmt.Errorf("only %d goroutines whose creation both saw", len(in))
	}
	at, diff := middle(in)
	c := clock{go0: at, gt0: at + diff, rate: 1}
	if g.v1 && len(in) >= 50 {
		n := len(in) / 5
		at0, diff0 := middle(in[:n])
		at1, diff1 := middle(in[len(in)-n:])
		if at1-at0 > 1e6 {
			c.rate = 1 + (diff1-diff0)/(at1-at0)
		}
	}
	return c, nil
}

// spread is a distribution of ns.
type spread struct{ v []int64 }

func (s *spread) add(ns int64) { s.v = append(s.v, ns) }

func (s *spread) at(q float64) int64 {
	if len(s.v) == 0 {
		return 0
	}
	sort.Slice(s.v, func(i, j int) bool { return s.v[i] < s.v[j] })
	return s.v[int(math.Round(q*float64(len(s.v)-1)))]
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
