// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"fmt"
	"net"
	"runtime"
	"runtime/debug"
	"sort"
	"sync"
	"syscall"
	"time"
)

// The ordeals: loads that are each nasty in one way, and short. Files with build tags add those
// that need cgo or a newer Go. With GOMAXPROCS=1 or GODEBUG=asyncpreemptoff=1 they are others again.
var ordeals = map[string]func(){
	"many":    many,
	"deep":    deep,
	"spin":    spin,
	"storm":   storm,
	"panics":  panics,
	"gc":      stress,
	"timers":  timerStorm,
	"net":     netStorm,
	"locks":   lockStorm,
	"syscall": syscallStorm,
	"world":   world,
}

func ordealNames() []string {
	var names []string
	for n := range ordeals {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// gang runs n of a kind side by side and waits for all of them.
func gang(n int, work func(i int)) {
	var all sync.WaitGroup
	all.Add(n)
	for i := 0; i < n; i++ {
		go func(i int) {
			defer all.Done()
			work(i)
		}(i)
	}
	all.Wait()
}

// many has 100000 goroutines alive at once: each waits until all of them do.
func many() {
	n := 100000
	gate := make(chan struct{})
	var here, all sync.WaitGroup
	here.Add(n)
	all.Add(n)
	for i := 0; i < n; i++ {
		go func() {
			here.Done()
			<-gate
			all.Done()
		}()
	}
	here.Wait()
	close(gate)
	all.Wait()
}

//go:noinline
func down(n int, bottom func()) int {
	var pad [16]int
	pad[n%16] = n
	if n == 0 {
		bottom()
		return 0
	}
	return down(n-1, bottom) + 1 + pad[(n+1)%16]
}

// deep has stacks that grow to half a megabyte and block, yield or enter the kernel there; the
// collector shrinks them in between.
func deep() {
	tick := make(chan int)
	done := make(chan struct{})
	go func() {
		for i := 0; ; i++ {
			select {
			case tick <- i:
			case <-done:
				return
			}
			if i%50 == 0 {
				runtime.GC()
			}
		}
	}()
	gang(8, func(i int) {
		for k := 0; k < 12; k++ {
			down(200<<uint(k%5), func() { <-tick })
			down(50, func() { runtime.Gosched() })
			down(1000, func() { syscall.Getppid() })
			down(100*i, func() { time.Sleep(100 * time.Microsecond) })
		}
	})
	close(done)
}

// spin has more loops that call nothing than there are Ps, and a collector that must stop them.
func spin() {
	stop := make(chan struct{})
	var cycles int
	go func() {
		for k := 0; k < 4; k++ {
			runtime.GC()
			time.Sleep(20 * time.Millisecond)
			cycles++
		}
		close(stop)
	}()
	gang(runtime.GOMAXPROCS(0)+2, func(i int) {
		n := uint64(i)
		for {
			for k := 0; k < 3000000; k++ {
				n = n*6364136223846793005 + 1
			}
			select {
			case <-stop:
				if n == 1 {
					println(n)
				}
				return
			default:
			}
		}
	})
}

// storm has everyone select from everyone.
func storm() {
	const n = 20
	var lines [n]chan int
	for i := range lines {
		lines[i] = make(chan int, i%3)
	}
	stop := make(chan struct{})
	time.AfterFunc(150*time.Millisecond, func() { close(stop) })
	gang(n, func(i int) {
		for {
			select {
			case <-stop:
				return
			case lines[i] <- i:
			case <-lines[(i+1)%n]:
			case <-lines[(i+7)%n]:
			case lines[(i+3)%n] <- i:
			}
			select {
			case <-lines[(i+2)%n]:
			default:
				runtime.Gosched()
			}
		}
	})
}

func recovered(work func()) (what interface{}) {
	defer func() { what = recover() }()
	work()
	return nil
}

// panics end goroutines in every way but the usual one.
func panics() {
	var nothing *[100]int
	for k := 0; k < 100; k++ {
		gang(10, func(i int) {
			defer time.Sleep(time.Duration(i) * time.Microsecond)
			switch i % 5 {
			case 0:
				recovered(func() { panic(i) })
			case 1:
				runtime.Goexit()
			case 2:
				recovered(func() { nothing[i]++ })
			case 3:
				defer runtime.Goexit()
				recovered(func() {
					defer func() { panic(fmt.Sprint(recover(), " again")) }()
					panic("first")
				})
			case 4:
				defer func() { recover() }()
				defer runtime.Gosched()
				down(300, func() { panic("deep") })
			}
		})
	}
}

type tree struct{ left, right *tree }

func grow(depth int) *tree {
	if depth == 0 {
		return &tree{}
	}
	return &tree{grow(depth - 1), grow(depth - 1)}
}

// stress collects all the time: GOGC=1, finalizers, assists.
func stress() {
	debug.SetGCPercent(1)
	defer debug.SetGCPercent(100)
	kept := grow(13)
	finalized := make(chan int, 1000)
	gang(4, func(i int) {
		for k := 0; k < 25; k++ {
			t := grow(9)
			runtime.SetFinalizer(t, func(*tree) {
				select {
				case finalized <- i:
				default:
				}
			})
			if k%10 == i {
				runtime.GC()
			}
		}
	})
	runtime.KeepAlive(kept)
}

// world is stopped again and again, for each reason that a program can give.
func world() {
	stop := make(chan struct{})
	go func() {
		n := runtime.GOMAXPROCS(0)
		var m runtime.MemStats
		buf := make([]byte, 1<<16)
		for k := 0; k < 10; k++ {
			runtime.ReadMemStats(&m)
			runtime.Stack(buf, true)
			runtime.GOMAXPROCS(n + k%3)
			runtime.NumGoroutine()
			debug.FreeOSMemory()
			time.Sleep(time.Millisecond)
		}
		runtime.GOMAXPROCS(n)
		close(stop)
	}()
	c := make(chan int)
	gang(6, func(i int) {
		for {
			select {
			case <-stop:
				return
			case c <- i:
			case <-c:
			}
			syscall.Getppid()
		}
	})
}

// timerStorm starts, stops and moves timers, and sleeps for all sorts of times.
func timerStorm() {
	end := time.Now().Add(150 * time.Millisecond)
	gang(10, func(i int) {
		tick := time.NewTicker(time.Duration(100+i*37) * time.Microsecond)
		defer tick.Stop()
		late := time.NewTimer(time.Millisecond)
		fired := make(chan struct{}, 1)
		for k := 0; time.Now().Before(end); k++ {
			<-tick.C
			if !late.Stop() {
				select {
				case <-late.C:
				default:
				}
			}
			late.Reset(time.Duration(50+k%500) * time.Microsecond)
			time.AfterFunc(time.Duration(k%200)*time.Microsecond, func() {
				select {
				case fired <- struct{}{}:
				default:
				}
			})
			select {
			case <-late.C:
			case <-fired:
			}
			time.Sleep(time.Duration(k%100) * time.Microsecond)
		}
	})
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// netStorm has connections that come, talk, run into their deadlines and go.
func netStorm() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	end := time.Now().Add(150 * time.Millisecond)
	var served sync.WaitGroup
	served.Add(1)
	go func() {
		defer served.Done()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			served.Add(1)
			go func() {
				defer served.Done()
				echo(c)
			}()
		}
	}()
	gang(8, func(i int) {
		b := make([]byte, 64)
		for time.Now().Before(end) {
			c, err := net.Dial("tcp", l.Addr().String())
			must(err)
			for k := 0; k < 20; k++ {
				_, err = c.Write(b)
				must(err)
				_, err = c.Read(b)
				must(err)
			}
			must(c.SetReadDeadline(time.Now().Add(300 * time.Microsecond)))
			if _, err := c.Read(b); err == nil {
				panic("an echo of nothing")
			}
			c.Close()
		}
	})
	l.Close()
	served.Wait()
}

// lockStorm has more goroutines at locks than can hold them.
func lockStorm() {
	var mu sync.Mutex
	var rw sync.RWMutex
	var once sync.Once
	cond := sync.NewCond(&mu)
	end := time.Now().Add(150 * time.Millisecond)
	gang(12, func(i int) {
		for k := 0; time.Now().Before(end); k++ {
			switch (i + k) % 4 {
			case 0:
				mu.Lock()
				if k%16 == 0 {
					time.Sleep(20 * time.Microsecond)
				}
				mu.Unlock()
			case 1:
				rw.RLock()
				runtime.Gosched()
				rw.RUnlock()
			case 2:
				rw.Lock()
				rw.Unlock()
			case 3:
				cond.Broadcast()
			}
			once.Do(func() { time.Sleep(time.Millisecond) })
			if i == 0 && k%8 == 0 {
				mu.Lock() // so that the wait comes first
				time.AfterFunc(time.Microsecond, func() {
					mu.Lock()
					mu.Unlock()
					cond.Broadcast()
				})
				cond.Wait()
				mu.Unlock()
			}
		}
	})
}

// syscallStorm has short system calls, and ones that last until sysmon takes the P away.
func syscallStorm() {
	end := time.Now().Add(150 * time.Millisecond)
	gang(6, func(i int) {
		for k := 0; time.Now().Before(end); k++ {
			for j := 0; j < 50; j++ {
				syscall.Getppid()
			}
			ts := syscall.Timespec{Nsec: int64(10000 << uint((i+k)%8))}
			syscall.Nanosleep(&ts, nil)
		}
	})
}
