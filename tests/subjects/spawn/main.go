// SPDX-License-Identifier: BSD-2-Clause

// Creates -n goroutines in waves of -wave; each does next to nothing and ends.
package main

import (
	"flag"
	"sync"
	"sync/atomic"

	"gtrace.test/subjects/fact"
)

var (
	wave  = flag.Int("wave", 100, "goroutines alive at a time")
	group sync.WaitGroup
	done  int64
)

func short() {
	atomic.AddInt64(&done, 1)
	group.Done()
}

func main() {
	fact.Begin()
	for left := *fact.N; left > 0; {
		n := *wave
		if n > left {
			n = left
		}
		group.Add(n)
		for i := 0; i < n; i++ {
			go short()
		}
		group.Wait()
		left -= n
	}
	fact.Print(map[string]int64{"spawned": done})
}
