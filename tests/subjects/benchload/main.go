// SPDX-License-Identifier: BSD-2-Clause

// The three loads that the benches measure: `benchload spawn|pingpong|server N`. A fixed amount
// of work; prints what it cost: {"cpu_ns":...,"wall_ns":...}. With BENCHLOAD_TRACE=FILE it also
// writes Go's own execution trace of the work, to be laid beside ours.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/trace"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func spawn(n int) {
	var wg sync.WaitGroup
	for i := 0; i < n; i++ {
		wg.Add(1)
		go wg.Done()
		if i%64 == 63 {
			wg.Wait()
		}
	}
	wg.Wait()
}

func pingpong(n int) {
	a, b := make(chan int), make(chan int)
	go func() {
		for v := range a {
			b <- v
		}
	}()
	for i := 0; i < n; i++ {
		a <- i
		<-b
	}
	close(a)
}

func server(n int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "ok")
	}))
	url := "http://" + l.Addr().String() + "/"
	tr := &http.Transport{MaxIdleConnsPerHost: 4}
	client := &http.Client{Transport: tr}
	var wg sync.WaitGroup
	for c := 0; c < 4; c++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; i < n/4; i++ {
				resp, err := client.Get(url)
				if err != nil {
					panic(err)
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		}()
	}
	wg.Wait()
}

func cpu() int64 {
	var ru syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
	return ru.Utime.Nano() + ru.Stime.Nano()
}

func main() {
	n, _ := strconv.Atoi(os.Args[2])
	load := map[string]func(int){"spawn": spawn, "pingpong": pingpong, "server": server}[os.Args[1]]
	load(n / 100) // warm up
	if name := os.Getenv("BENCHLOAD_TRACE"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			panic(err)
		}
		if err := trace.Start(f); err != nil {
			panic(err)
		}
		defer trace.Stop()
	}
	c, t := cpu(), time.Now()
	load(n)
	fmt.Printf("{\"cpu_ns\":%d,\"wall_ns\":%d}\n", cpu()-c, time.Since(t).Nanoseconds())
}
