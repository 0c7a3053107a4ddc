// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
)

// The words of `gtreplay --json`. "dead" and "idle" are both no goroutine.
var gtStates = map[string]state{
	"idle": none, "dead": none, "unknown": unknown, "runnable": runnable, "running": running,
	"waiting": waiting, "preempted": waiting, "syscall": inSyscall,
}

// gtLine is one line of it; what is not compared is not here.
type gtLine struct {
	T      int64   `json:"t_ns"`
	CPU    *int64  `json:"cpu"`
	Tid    int64   `json:"tid"`
	Goid   int64   `json:"goid"`
	From   *string `json:"from"`
	To     string  `json:"to"`
	Reason string  `json:"reason"`
	Waker  int64   `json:"waker"`
	Parent int64   `json:"parent"`
	Func   string  `json:"func"`
	Site   string  `json:"site"`
	Repair string  `json:"repair"`
	Lost   *int64  `json:"lost"`
}

// readGt reads what gtrace says, from `gtreplay --json`.
func readGt(name string) (*history, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := newHistory()
	d := json.NewDecoder(bufio.NewReaderSize(f, 1<<20))
	for n := 1; ; n++ {
		var line gtLine
		if err := d.Decode(&line); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, n, err)
		}
		if err := h.addGt(&line); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, n, err)
		}
	}
	h.sortSteps()
	return h, nil
}

func (h *history) addGt(line *gtLine) error {
	if line.Lost != nil {
		h.lost += max(1, *line.Lost)
		return nil
	}
	if line.From == nil {
		return nil // a line of another kind than a state change
	}
	from, ok1 := gtStates[*line.From]
	to, ok2 := gtStates[line.To]
	if !ok1 || !ok2 {
		return fmt.Errorf("no such state: %q -> %q", *line.From, line.To)
	}
	cpu := int64(-1) // read from memory
	if line.CPU != nil {
		cpu = *line.CPU
		h.busy[cpu] = append(h.busy[cpu], at{line.T, line.Tid})
	}
	l := h.life(line.Goid)
	if len(l.steps) == 0 {
		l.first = from
	}
	if from == none && to != none {
		l.born = true
	}
	if line.Parent != 0 {
		l.parent = line.Parent
	}
	if line.Func != "" {
		l.fn = line.Func
	}
	if line.Site != "" {
		l.site = line.Site
	}
	if from == to && line.Reason != "preempted" {
		return nil // work on g0, stack growth: not a change to those outside
	}
	s := step{t: line.T, from: from, to: to, waker: line.Waker, inferred: line.Repair,
		cpu: cpu, tid: line.Tid}
	if to == waiting {
		s.reason = line.Reason
		if line.To == "preempted" {
			s.reason = "preempted"
		}
	}
	h.add(l, s)
	return nil
}

// sortSteps: the log is in order of time but for repairs, which are told when they are found.
func (h *history) sortSteps() {
	for _, l := range h.lives {
		sort.SliceStable(l.steps, func(i, j int) bool { return l.steps[i].t < l.steps[j].t })
	}
	for _, b := range h.busy {
		sort.SliceStable(b, func(i, j int) bool { return b[i].t < b[j].t })
	}
}

// ranOther: whether a thread other than tid was seen on the CPU in [t0, t1].
func (h *history) ranOther(cpu, tid, t0, t1 int64) bool {
	b := h.busy[cpu]
	i := sort.Search(len(b), func(i int) bool { return b[i].t >= t0 })
	for ; i < len(b) && b[i].t <= t1; i++ {
		if b[i].tid != tid {
			return true
		}
	}
	return false
}
