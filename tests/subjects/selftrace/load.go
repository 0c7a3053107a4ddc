// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	stop  chan struct{}
	group sync.WaitGroup
	sink  []byte
)

func stopped() bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// load runs every kind of work side by side until D is over, and waits for all of it to end.
func load(d time.Duration) {
	stop = make(chan struct{})
	kinds := []func(){pingpong, selects, mutexes, rwmutexes, conds, spawns, network, syscalls,
		naps, collects, spins, timers, yields, locked, children}
	for _, work := range kinds {
		group.Add(1)
		go func(work func()) {
			defer group.Done()
			work()
		}(work)
	}
	time.Sleep(d)
	close(stop)
	group.Wait()
}

func also(work func()) {
	group.Add(1)
	go func() {
		defer group.Done()
		work()
	}()
}

func pingpong() {
	ping, pong := make(chan int), make(chan int)
	also(func() {
		for v := range ping {
			pong <- v
		}
	})
	for !stopped() {
		for i := 0; i < 100; i++ {
			ping <- i
			<-pong
		}
		time.Sleep(2 * time.Millisecond)
	}
	close(ping)
}

// selects has three senders and one receiver; either side waits at times.
func selects() {
	var in [3]chan int
	quit := make(chan struct{})
	for i := range in {
		c := make(chan int, i)
		in[i] = c
		also(func() {
			for n := 0; ; n++ {
				select {
				case c <- n:
				case <-quit:
					return
				}
				if n%10 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	for !stopped() {
		select {
		case <-in[0]:
		case <-in[1]:
		case <-in[2]:
		case <-time.After(500 * time.Microsecond):
		}
	}
	close(quit)
}

func mutexes() {
	var mu sync.Mutex
	use := func() {
		for !stopped() {
			mu.Lock()
			time.Sleep(100 * time.Microsecond)
			mu.Unlock()
			runtime.Gosched()
		}
	}
	also(use)
	also(use)
	use()
}

func rwmutexes() {
	var mu sync.RWMutex
	read := func() {
		for !stopped() {
			mu.RLock()
			time.Sleep(300 * time.Microsecond)
			mu.RUnlock()
		}
	}
	also(read)
	also(read)
	for !stopped() {
		mu.Lock()
		time.Sleep(200 * time.Microsecond)
		mu.Unlock()
		time.Sleep(200 * time.Microsecond)
	}
}

func conds() {
	c := sync.NewCond(&sync.Mutex{})
	turn, over := 0, false
	take := func(me int) {
		for n := 0; ; n++ {
			c.L.Lock()
			for turn != me && !over {
				c.Wait()
			}
			turn = 1 - me
			over = over || stopped()
			end := over
			c.L.Unlock()
			c.Broadcast()
			if end {
				return
			}
			if n%50 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
	}
	also(func() { take(0) })
	take(1)
}

var spawned int64

func grandchild(done *sync.WaitGroup) {
	atomic.AddInt64(&spawned, 1)
	done.Done()
}

func child(done *sync.WaitGroup) {
	done.Add(2)
	go grandchild(done)
	go grandchild(done)
	if atomic.AddInt64(&spawned, 1)%7 == 0 {
		done.Done()
		runtime.Goexit()
	}
	done.Done()
}

func spawns() {
	for !stopped() {
		var done sync.WaitGroup
		for i := 0; i < 10; i++ {
			done.Add(1)
			go child(&done)
		}
		done.Wait()
		time.Sleep(3 * time.Millisecond)
	}
}

func echo(c net.Conn) {
	io.Copy(c, c)
	c.Close()
}

func network() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	also(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			also(func() { echo(c) })
		}
	})
	var clients sync.WaitGroup
	for i := 0; i < 3; i++ {
		clients.Add(1)
		go func() {
			defer clients.Done()
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				panic(err)
			}
			defer c.Close()
			b := make([]byte, 100)
			for !stopped() {
				if _, err := c.Write(b); err != nil {
					panic(err)
				}
				if _, err := io.ReadFull(c, b); err != nil {
					panic(err)
				}
				time.Sleep(700 * time.Microsecond)
			}
		}()
	}
	clients.Wait()
	l.Close()
}

// syscalls are short ones in rows, and one that blocks its thread for 2 ms.
func syscalls() {
	fd, err := syscall.Open("/dev/zero", os.O_RDONLY, 0)
	if err != nil {
		panic(err)
	}
	defer syscall.Close(fd)
	var b [16]byte
	for !stopped() {
		for i := 0; i < 20; i++ {
			syscall.Read(fd, b[:])
		}
		ts := syscall.Timespec{Nsec: 2e6}
		syscall.Nanosleep(&ts, nil)
	}
}

func naps() {
	for i := 1; i <= 5; i++ {
		d := time.Duration(i) * 800 * time.Microsecond
		also(func() {
			for !stopped() {
				time.Sleep(d)
			}
		})
	}
}

func collects() {
	for !stopped() {
		for i := 0; i < 100; i++ {
			sink = make([]byte, 20000)
		}
		runtime.GC()
		time.Sleep(60 * time.Millisecond)
	}
}

// spins calls nothing for 25 ms at a time: longer than sysmon lets a goroutine run.
func spins() {
	n := uint64(1)
	for !stopped() {
		end := time.Now().Add(25 * time.Millisecond)
		for time.Now().Before(end) {
			for i := 0; i < 1000000; i++ {
				n = n*6364136223846793005 + 1
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	sink = []byte{byte(n)}
}

func timers() {
	t := time.NewTicker(1500 * time.Microsecond)
	defer t.Stop()
	c := make(chan int, 1)
	for !stopped() {
		<-t.C
		time.AfterFunc(200*time.Microsecond, func() { c <- 1 })
		<-c
	}
}

func yields() {
	for !stopped() {
		for i := 0; i < 10; i++ {
			runtime.Gosched()
		}
		time.Sleep(4 * time.Millisecond)
	}
}

// locked talks to the others from a thread of its own.
func locked() {
	in, out := make(chan int), make(chan int)
	also(func() {
		runtime.LockOSThread() // never undone: the thread ends with the goroutine
		for v := range in {
			out <- v
		}
	})
	for !stopped() {
		in <- 1
		<-out
		time.Sleep(5 * time.Millisecond)
	}
	close(in)
}

func children() {
	for !stopped() {
		if err := exec.Command("/bin/true").Run(); err != nil {
			panic(err)
		}
		time.Sleep(300 * time.Millisecond)
	}
}
