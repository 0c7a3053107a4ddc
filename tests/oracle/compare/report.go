// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"fmt"
	"io"
	"sort"
	"time"
)

type tolerance struct {
	p99, outlier time.Duration // p99 0: durations are told but not judged
	far          float64       // share of durations beyond outlier that need no explanation
}

// seen is whether the two stamps of a change can be compared: gtrace must have seen it, and
// the old trace format knows the end of a short system call only as its begin.
func (k *comparison) seen(p pair) bool {
	return p.t.inferred == "" && !(k.g.v1 && p.g.from == inSyscall)
}

// times compares stamps, for information, and durations, against the tolerance. A duration
// that is far off is explained where gtrace itself shows that its thread had lost the CPU
// between the two stamps of one of its ends.
func (k *comparison) times(tol tolerance) {
	var errors spread
	stamps := map[string]*spread{}
	for i, p := range k.out.pairs {
		if !k.seen(p) {
			k.counts["stamps not compared: one side only knows them roughly"]++
			continue
		}
		s := stamps[p.g.kind()]
		if s == nil {
			s = &spread{}
			stamps[p.g.kind()] = s
		}
		s.add(p.g.t - p.t.t)
		if !k.out.chained[i] || !k.seen(k.out.pairs[i-1]) {
			continue
		}
		prev := k.out.pairs[i-1]
		off := abs((p.g.t - prev.g.t) - (p.t.t - prev.t.t))
		errors.add(off)
		if off > int64(tol.outlier) {
			k.outlier(prev, p, off)
		}
	}
	k.stamps, k.durations = stamps, errors
	if tol.p99 == 0 {
		return
	}
	if got := errors.at(0.99); got > int64(tol.p99) {
		k.who = 0
		k.mismatch("durations", fmt.Sprintf("99 %% agree within %v only, the tolerance is %v",
			time.Duration(got), tol.p99))
	}
	if limit := int(float64(len(errors.v)) * tol.far); k.far > limit {
		k.who = 0
		k.mismatch("durations", fmt.Sprintf("%d are far off for no reason that the traces show; "+
			"%d may be, on a machine with other work", k.far, limit))
	}
}

func (k *comparison) outlier(a, b pair, off int64) {
	for _, p := range []pair{a, b} {
		if k.t.ranOther(p.t.cpu, p.t.tid, min(p.g.t, p.t.t), max(p.g.t, p.t.t)) {
			k.counts["durations far off: the thread had lost its CPU between the two stamps"]++
			return
		}
	}
	k.far++
	if len(k.farExamples) < 5 {
		k.farExamples = append(k.farExamples, fmt.Sprintf("%s to %s: off by %v", stepText(a.t),
			stepText(b.t), time.Duration(off)))
	}
}

func sorted[V any](m map[string]V) []string {
	var out []string
	for s := range m {
		out = append(out, s)
	}
	sort.Strings(out)
	return out
}

// report prints what was compared; true where all agree.
func (k *comparison) report(w io.Writer) bool {
	fmt.Fprintf(w, "clocks: %v\n", k.c)
	fmt.Fprintf(w, "compared: %d goroutines, %d of the tracer's %d changes of state, in %v\n",
		k.compared, len(k.out.pairs), k.g.events, time.Duration(k.g.t1-k.g.t0).Round(time.Millisecond))
	for _, s := range sorted(k.counts) {
		fmt.Fprintf(w, "  %7d %s\n", k.counts[s], s)
	}
	for _, s := range sorted(k.out.ruled) {
		fmt.Fprintf(w, "  %7d by rule: %s\n", k.out.ruled[s], s)
	}
	fmt.Fprintf(w, "  %7d at the very ends of the tracer's time\n", k.out.edges)
	d := &k.durations
	fmt.Fprintf(w, "durations differ by: p50 %v, p90 %v, p99 %v, max %v (%d)\n",
		time.Duration(d.at(0.5)), time.Duration(d.at(0.9)), time.Duration(d.at(0.99)),
		time.Duration(d.at(1)), len(d.v))
	fmt.Fprintf(w, "stamps, tracer's less gtrace's: %22s%12s%12s%12s%8s\n", "p1", "p50", "p99", "max", "")
	for _, kind := range sorted(k.stamps) {
		s := k.stamps[kind]
		fmt.Fprintf(w, "  %-29s %22v%12v%12v%12v%8d\n", kind, time.Duration(s.at(0.01)),
			time.Duration(s.at(0.5)), time.Duration(s.at(0.99)), time.Duration(s.at(1)), len(s.v))
	}
	if k.far > 0 {
		fmt.Fprintf(w, "durations far off for a reason not seen here: %d\n", k.far)
		for _, e := range k.farExamples {
			fmt.Fprintf(w, "    %s\n", e)
		}
	}
	total := 0
	for _, class := range sorted(k.bad) {
		total += k.bad[class]
		fmt.Fprintf(w, "MISMATCH %s: %d\n", class, k.bad[class])
		for _, e := range k.examples[class] {
			fmt.Fprintf(w, "    %s\n", e)
		}
	}
	ruled := 0
	for _, n := range k.out.ruled {
		ruled += n
	}
	fmt.Fprintf(w, "%d changes of state: %d by rule, %d at the ends, %d mismatches\n", k.g.events, ruled,
		k.out.edges, total)
	return total == 0
}
