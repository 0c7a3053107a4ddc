// SPDX-License-Identifier: BSD-2-Clause

// Bursts: every 100 ms a crowd wakes, passes messages on for a while (-n of them in each burst), and waits
// again: for each other, for a lock that one of them holds, for a timer. For -d; then it says how much
// CPU time that took. What it does in that time does not depend on how fast it is.
package main

import (
	"sync"
	"syscall"
	"time"

	"gtrace.test/subjects/fact"
)

const period = 100 * time.Millisecond

var mu sync.Mutex

// ring passes each message on around the circle.
func ring(in <-chan int, out chan<- int, done chan<- bool) {
	for n := range in {
		if n == 0 {
			done <- true
			continue
		}
		out <- n - 1
	}
}

// holder keeps the lock for a part of each period, so that the others wait for it.
func holder() {
	for {
		mu.Lock()
		time.Sleep(period / 3)
		mu.Unlock()
		time.Sleep(period / 2)
	}
}

func wanter() {
	for {
		mu.Lock()
		mu.Unlock()
		time.Sleep(period / 4)
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func main() {
	done := make(chan bool)
	links := make([]chan int, 16)
	for i := range links {
		links[i] = make(chan int)
	}
	for i := range links {
		go ring(links[i], links[(i+1)%len(links)], done)
	}
	go holder()
	for i := 0; i < 6; i++ {
		go wanter()
	}
	fact.Begin()
	begin, used, bursts := time.Now(), cpu(), 0
	for time.Since(begin) < *fact.D {
		links[0] <- *fact.N
		<-done
		bursts++
		time.Sleep(time.Until(begin.Add(time.Duration(bursts) * period)))
	}
	fact.Print(map[string]int64{"cpu_ns": int64(cpu() - used), "wall_ns": int64(time.Since(begin)), "bursts": int64(bursts)})
}
