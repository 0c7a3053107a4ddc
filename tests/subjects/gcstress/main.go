// SPDX-License-Identifier: BSD-2-Clause

// Allocates on all Ps and collects as often as it can, for -d, while a few goroutines never
// call anything, so that the collector has to preempt them.
package main

import (
	"runtime"
	"sync"
	"time"

	"gtrace.test/subjects/fact"
)

type node struct {
	next *node
	pad  [100]byte
}

var sink [8]*node

func allocate(i int, end time.Time, group *sync.WaitGroup) {
	defer group.Done()
	for time.Now().Before(end) {
		var head *node
		for k := 0; k < 1000; k++ {
			head = &node{next: head}
		}
		sink[i] = head
	}
}

func spin(stop *bool, group *sync.WaitGroup, count *uint64) {
	defer group.Done()
	for i := uint64(0); i < 1<<30; i++ {
		*count += i
		if i&0xfffff == 0 && *stop {
			return
		}
	}
}

func main() {
	fact.Begin()
	var group, spinning sync.WaitGroup
	var stop bool
	var count uint64
	end := time.Now().Add(*fact.D)
	for i := range sink {
		group.Add(1)
		go allocate(i, end, &group)
	}
	spinning.Add(1)
	go spin(&stop, &spinning, &count)
	cycles := 0
	for time.Now().Before(end) {
		runtime.GC()
		cycles++
	}
	group.Wait()
	stop = true
	spinning.Wait()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fact.Print(map[string]int{"forced": cycles, "cycles": int(m.NumGC)})
}
