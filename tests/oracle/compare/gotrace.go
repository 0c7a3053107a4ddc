// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/exp/trace"
)

var goStates = map[trace.GoState]state{
	trace.GoNotExist: none,
	trace.GoRunnable: runnable,
	trace.GoRunning:  running,
	trace.GoWaiting:  waiting,
	trace.GoSyscall:  inSyscall,
}

// readGoTrace reads what the program wrote about itself with runtime/trace, any format since
// Go 1.11.
func readGoTrace(name string) (*history, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<20)
	head, err := in.Peek(16)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	h := newHistory()
	h.v1 = bytes.HasPrefix(head, []byte("go 1.21 ")) || bytes.HasPrefix(head, []byte("go 1.1"))
	r, err := trace.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for {
		ev, err := r.ReadEvent()
		if err == io.EOF {
			return h, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		switch ev.Kind() {
		case trace.EventLog:
			l := ev.Log()
			h.marks[l.Category+" "+l.Message] = int64(ev.Time())
		case trace.EventStateTransition:
			if ev.StateTransition().Resource.Kind == trace.ResourceGoroutine {
				h.addGo(ev)
			}
		}
	}
}

func (h *history) addGo(ev trace.Event) {
	st := ev.StateTransition()
	from, to := st.Goroutine()
	l := h.life(int64(st.Resource.Goroutine()))
	if from == trace.GoUndetermined {
		// The tracer's statement at the begin of what it knows; not a change.
		if len(l.steps) == 0 {
			l.first = goStates[to]
		}
		return
	}
	if from == to {
		return // repeated at the begin of each generation of the trace
	}
	s := step{t: int64(ev.Time()), from: goStates[from], to: goStates[to]}
	if s.to == waiting {
		s.reason = st.Reason
	}
	actor := int64(0)
	if g := ev.Goroutine(); g != trace.NoGoroutine {
		actor = int64(g)
	}
	if s.from == none {
		l.born, l.parent = true, actor
		for f := range st.Stack.Frames() {
			l.fn = f.Func // the last one: the entry
		}
		for f := range ev.Stack().Frames() {
			l.site = fmt.Sprintf("%s %s:%d", f.Func, f.File, f.Line)
			break
		}
	} else if s.from == waiting && s.to == runnable {
		s.waker = actor
	} else if s.from == running && s.to == runnable {
		for f := range ev.Stack().Frames() {
			s.pretence = s.pretence || strings.HasPrefix(f.Func, "runtime.startTheWorld")
		}
	}
	h.add(l, s)
}
