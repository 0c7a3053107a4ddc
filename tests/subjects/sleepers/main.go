// SPDX-License-Identifier: BSD-2-Clause

// -n goroutines that sleep most of the time, each at its own pace, for -d.
package main

import (
	"sync"
	"sync/atomic"
	"time"

	"gtrace.test/subjects/fact"
)

func main() {
	fact.Begin()
	var group sync.WaitGroup
	var naps int64
	end := time.Now().Add(*fact.D)
	for i := 0; i < *fact.N; i++ {
		group.Add(1)
		go func(nap time.Duration) {
			defer group.Done()
			for time.Now().Before(end) {
				time.Sleep(nap)
				atomic.AddInt64(&naps, 1)
			}
		}(time.Duration(1+i%50) * 2 * time.Millisecond)
	}
	group.Wait()
	fact.Print(map[string]int64{"naps": naps, "sleepers": int64(*fact.N)})
}
