// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"fmt"
	"strings"
)

// reason maps one of the Go tracer's coarse words to the runtime's own wait reasons, read in
// src/runtime of Go 1.21 to 1.26: the callers of gopark name one of each.
type reason struct {
	word string
	own  []string
}

var reasons = []reason{
	{"chan receive", []string{"chan receive", "chan receive (synctest)", "chan receive (durable)"}},
	{"chan send", []string{"chan send", "chan send (synctest)", "chan send (durable)"}},
	{"select", []string{"select", "select (synctest)", "select (durable)"}},
	{"forever", []string{"chan receive (nil chan)", "chan send (nil chan)", "select (no cases)",
		"panicwait"}},
	{"sync", []string{"sync.Mutex.Lock", "sync.RWMutex.RLock", "sync.RWMutex.Lock", "semacquire",
		"sync.WaitGroup.Wait", "sync.WaitGroup.Wait (durable)"}},
	{"sync.(*Cond).Wait", []string{"sync.Cond.Wait"}},
	{"sleep", []string{"sleep"}},
	{"network", []string{"IO wait"}},
	{"preempted", []string{"preempted"}},
	{"wait until GC ends", []string{"wait for GC cycle"}},
	{"GC mark assist wait for work", []string{"GC assist wait"}},
	{"GC background sweeper wait", []string{"GC sweep wait"}},
	{"GC weak to strong wait", []string{"GC weak to strong wait"}},
	{"system goroutine wait", []string{"GC worker (idle)", "GC scavenge wait", "force gc (idle)",
		"finalizer wait", "cleanup wait", "trace reader (blocked)", "GOMAXPROCS updater (idle)"}},
	{"wait for debug call", []string{"debug call"}},
	{"synctest", []string{"synctest.Run", "synctest.Wait"}},
	{"unspecified", []string{"", "dumping heap"}},
	{"", []string{"coroutine"}},
}

// v1Blank is what the trace format before Go 1.22 leaves without a word: EvGoBlock.
var v1Blank = []string{"GC sweep wait", "system goroutine wait", "preempted", "wait for debug call",
	"wait until GC ends", "unspecified"}

// reasonFits: whether the runtime's own reason may stand behind the tracer's word.
func reasonFits(word, own string, v1 bool) bool {
	if v1 && word == "" {
		for _, w := range v1Blank {
			if w == own || reasonFits(w, own, false) {
				return true
			}
		}
		return false
	}
	for _, r := range reasons {
		if r.word != word {
			continue
		}
		for _, o := range r.own {
			if o == own {
				return true
			}
		}
	}
	return false
}

// reasonTable is the table as docs/PROBES.md has it; oracle.sh compares the two.
func reasonTable() string {
	var b strings.Builder
	b.WriteString("| Go tracer's word | the runtime's wait reasons |\n| --- | --- |\n")
	for _, r := range reasons {
		fmt.Fprintf(&b, "| %s | %s |\n", code([]string{r.word}), code(r.own))
	}
	fmt.Fprintf(&b, "| none, in the trace format before Go 1.22 | those of %s |\n", code(v1Blank))
	return b.String()
}

func code(words []string) string {
	var out []string
	for _, w := range words {
		if w == "" {
			out = append(out, "none")
		} else {
			out = append(out, "`"+w+"`")
		}
	}
	return strings.Join(out, ", ")
}
