// SPDX-License-Identifier: BSD-2-Clause

// Contention on every kind of lock of package sync, for -d: Mutex, RWMutex, Cond, WaitGroup.
package main

import (
	"sync"
	"time"

	"gtrace.test/subjects/fact"
)

var (
	mu    sync.Mutex
	rw    sync.RWMutex
	turn  = sync.NewCond(&sync.Mutex{})
	who   int
	group sync.WaitGroup
	end   time.Time
)

func locker() {
	defer group.Done()
	for time.Now().Before(end) {
		mu.Lock()
		time.Sleep(200 * time.Microsecond) // held while asleep: the others must wait
		mu.Unlock()
	}
}

func reader() {
	defer group.Done()
	for time.Now().Before(end) {
		rw.RLock()
		time.Sleep(100 * time.Microsecond)
		rw.RUnlock()
	}
}

func writer() {
	defer group.Done()
	for time.Now().Before(end) {
		rw.Lock()
		time.Sleep(100 * time.Microsecond)
		rw.Unlock()
	}
}

// taker waits for its turn on the condition; two of them alternate.
func taker(me int) {
	defer group.Done()
	for time.Now().Before(end) {
		turn.L.Lock()
		for who != me && time.Now().Before(end) {
			turn.Wait()
		}
		who = 1 - me
		turn.L.Unlock()
		turn.Broadcast()
	}
	turn.Broadcast()
}

func main() {
	fact.Begin()
	end = time.Now().Add(*fact.D)
	group.Add(9)
	for i := 0; i < 3; i++ {
		go locker()
		go reader()
	}
	go writer()
	go taker(0)
	go taker(1)
	group.Wait()
	fact.Print(map[string]interface{}{"mutex": fact.MutexReason(), "group": fact.WaitGroupReason()})
}
