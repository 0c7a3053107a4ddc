// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"gtrace.test/subjects/fact"
)

// exhibit is a goroutine that waits for ever, for one reason.
type exhibit struct {
	reason string
	wait   func()
}

func exhibits() []exhibit {
	var (
		held  sync.Mutex
		rw    sync.RWMutex
		wrw   sync.RWMutex
		cond  = sync.NewCond(&sync.Mutex{})
		wg    sync.WaitGroup
		never = make(chan int)
		full  = make(chan int)
		none  chan int
	)
	held.Lock()
	rw.Lock()
	wrw.RLock()
	wg.Add(1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	fd := int(r.Fd()) // makes it block its thread
	rwRead, rwWrite := "sync.RWMutex.RLock", "sync.RWMutex.Lock"
	if fact.Minor() < 20 {
		rwRead, rwWrite = "semacquire", "semacquire"
	}
	return []exhibit{
		{"chan receive", func() { <-never }},
		{"chan send", func() { full <- 1 }},
		{"chan receive (nil chan)", func() { <-none }},
		{"chan send (nil chan)", func() { none <- 1 }},
		{"select", func() {
			select {
			case <-never:
			case full <- 1:
			}
		}},
		{"select (no cases)", func() { select {} }},
		{fact.MutexReason(), func() { held.Lock() }},
		{rwRead, func() { rw.RLock() }},
		{rwWrite, func() { wrw.Lock() }},
		{"sync.Cond.Wait", func() { cond.L.Lock(); cond.Wait() }},
		{fact.WaitGroupReason(), func() { wg.Wait() }},
		{"sleep", func() { time.Sleep(time.Hour) }},
		{"IO wait", func() { l.Accept() }},
		{"syscall", func() {
			syscall.Read(fd, make([]byte, 1))
			runtime.KeepAlive(r) // a finalizer would close it
			runtime.KeepAlive(w)
		}},
	}
}

type parkedFact struct {
	Goid   uint64 `json:"goid"`
	Reason string `json:"reason"`
}

// park starts one goroutine for each reason and returns when each of them waits.
func park() []parkedFact {
	var all []parkedFact
	ids := make(chan uint64)
	for _, e := range exhibits() {
		go func(e exhibit) {
			ids <- fact.Goid()
			e.wait()
		}(e)
		all = append(all, parkedFact{<-ids, e.reason})
	}
	for waiting := false; !waiting; time.Sleep(time.Millisecond) {
		waiting = allWait(all)
	}
	return all
}

// allWait looks for "goroutine N [reason" of each.
func allWait(all []parkedFact) bool {
	buf := make([]byte, 1<<20)
	text := string(buf[:runtime.Stack(buf, true)])
	for _, p := range all {
		head := "goroutine " + itoa(p.Goid) + " "
		at := strings.Index("\n"+text, "\n"+head)
		if at < 0 || !headSays(text[at:], p.Reason) {
			return false
		}
	}
	return true
}

// headSays: since Go 1.23 a head may hold more between the number and the bracket.
func headSays(text, reason string) bool {
	line := text[:strings.IndexByte(text, '\n')]
	return strings.Contains(line, "["+reason+"]") || strings.Contains(line, "["+reason+",")
}

func itoa(n uint64) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
