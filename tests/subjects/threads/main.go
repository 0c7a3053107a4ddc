// SPDX-License-Identifier: BSD-2-Clause

// Starts -n goroutines, each in a long system call on a thread of its own at last, every second of them
// locked to it. With GODEBUG=schedtrace=100,scheddetail=1 the runtime says which M each is on.
package main

import (
	"flag"
	"runtime"
	"sync"
	"syscall"
	"time"

	"gtrace.test/subjects/fact"
)

func nap(d time.Duration) {
	ts := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&ts, nil) // an early end by a signal is as good
}

func worker(locked bool, group *sync.WaitGroup) {
	if locked {
		runtime.LockOSThread()
	}
	for i := 0; i < 10; i++ {
		nap(time.Millisecond)
		runtime.Gosched()
	}
	group.Done()
	for {
		nap(time.Hour)
	}
}

func main() {
	flag.Parse()
	n := *fact.N
	if n > 100 {
		n = 100
	}
	var group sync.WaitGroup
	group.Add(n)
	for i := 0; i < n; i++ {
		go worker(i%2 == 0, &group)
	}
	group.Wait()
	time.Sleep(100 * time.Millisecond)
	fact.Begin()
	time.Sleep(*fact.D)
}
