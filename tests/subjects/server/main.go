// SPDX-License-Identifier: BSD-2-Clause

// An HTTP server on loopback and -clients clients of it in the same process, for -d.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"gtrace.test/subjects/fact"
)

var (
	clients  = flag.Int("clients", 4, "clients that ask one after another")
	requests int64
)

func hello(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "hello", r.URL.Path)
}

func client(url string, end time.Time, group *sync.WaitGroup) {
	defer group.Done()
	for time.Now().Before(end) {
		r, err := http.Get(url)
		if err != nil {
			panic(err)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			panic(err)
		}
		r.Body.Close()
		atomic.AddInt64(&requests, 1)
	}
}

func main() {
	fact.Begin()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(hello)}
	go s.Serve(l)
	var group sync.WaitGroup
	group.Add(*clients)
	end := time.Now().Add(*fact.D)
	for i := 0; i < *clients; i++ {
		go client("http://"+l.Addr().String()+"/x", end, &group)
	}
	group.Wait()
	s.Close()
	fact.Print(map[string]int64{"requests": requests})
}
