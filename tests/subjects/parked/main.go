// SPDX-License-Identifier: BSD-2-Clause

// -n goroutines that block for good, in eight ways; then the program says how many there are,
// writes a debug=2 dump of all to -dump, and waits for -d.
package main

import (
	"flag"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"

	"gtrace.test/subjects/fact"
)

var (
	never  = make(chan int)
	other  = make(chan int)
	full   = make(chan int)
	mu     sync.Mutex
	rw     sync.RWMutex
	group  sync.WaitGroup
	turn   = sync.NewCond(&sync.Mutex{})
	server net.Listener
)

func receiver() { <-never }
func sender()   { full <- 1 }
func sleeper()  { time.Sleep(time.Hour) }
func locker()   { mu.Lock() }
func reader()   { rw.RLock() }
func awaiter()  { group.Wait() }

func chooser() {
	select {
	case <-never:
	case <-other:
	}
}

func conditional() {
	turn.L.Lock()
	turn.Wait()
}

func acceptor() {
	if _, err := server.Accept(); err != nil {
		panic(err)
	}
}

// asleep: all have gone as far as they can, so that the dump shows them where they stay.
func asleep() {
	for i := 0; i < 20; i++ {
		runtime.Gosched()
		time.Sleep(10 * time.Millisecond)
	}
}

func main() {
	file := flag.String("dump", "", "where to write the dump")
	var err error
	server, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	mu.Lock()
	rw.Lock()
	group.Add(1)
	flag.Parse()
	for i := 0; i < *fact.N; i++ {
		switch i % 8 {
		case 0:
			go receiver()
		case 1:
			go sender()
		case 2:
			go sleeper()
		case 3:
			go locker()
		case 4:
			go reader()
		case 5:
			go awaiter()
		case 6:
			go chooser()
		case 7:
			go conditional()
		}
	}
	go acceptor()
	asleep()
	f, err := os.Create(*file)
	if err == nil {
		err = pprof.Lookup("goroutine").WriteTo(f, 2)
	}
	if err != nil {
		panic(err)
	}
	fact.Print(map[string]int{"goroutines": runtime.NumGoroutine()})
	fact.Begin()
	time.Sleep(*fact.D)
}
