// SPDX-License-Identifier: BSD-2-Clause

// -n goroutines block, and the program is ready. When it is let go, all of them move on at once: they
// exit, or wait for something else, or elsewhere; others are born, and a crowd runs in
// between. Then nothing moves any more; it says so, writes a debug=2 dump to -dump, and waits for -d.
package main

import (
	"flag"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"

	"gtrace.test/subjects/fact"
)

var (
	first = make(chan int) // closed by the storm
	never = make(chan int)
	other = make(chan int)
	full  = make(chan int)
	mu    sync.Mutex
)

func leaves() { <-first }

func locks() {
	<-first
	mu.Lock()
}

func sends() {
	<-first
	full <- 1
}

// waitsOn ends in the same kind of wait as it began, but elsewhere.
func waitsOn() {
	<-first
	<-never
}

func stays() { <-never }

func comesToChoose() {
	select {
	case <-never:
	case <-other:
	}
}

func comesToSend() { full <- 2 }

// crowd makes as many changes of state as it can for a while.
func crowd(rounds int) {
	var group sync.WaitGroup
	for r := 0; r < rounds; r++ {
		group.Add(200)
		for i := 0; i < 200; i++ {
			go func() {
				runtime.Gosched()
				group.Done()
			}()
		}
		group.Wait()
	}
}

func asleep() {
	for i := 0; i < 20; i++ {
		runtime.Gosched()
		time.Sleep(10 * time.Millisecond)
	}
}

func main() {
	file := flag.String("dump", "", "where to write the dump")
	rounds := flag.Int("rounds", 200, "of 200 goroutines each")
	flag.Parse()
	mu.Lock()
	for i := 0; i < *fact.N; i++ {
		switch i % 5 {
		case 0:
			go leaves()
		case 1:
			go locks()
		case 2:
			go sends()
		case 3:
			go waitsOn()
		case 4:
			go stays()
		}
	}
	asleep()
	fact.Begin()
	crowd(*rounds)
	close(first)
	for i := 0; i < *fact.N; i++ {
		go comesToChoose()
		go comesToSend()
	}
	asleep()
	f, err := os.Create(*file)
	if err == nil {
		err = pprof.Lookup("goroutine").WriteTo(f, 2)
	}
	if err != nil {
		panic(err)
	}
	fact.Print(map[string]bool{"quiet": true})
	time.Sleep(*fact.D)
}
