// SPDX-License-Identifier: BSD-2-Clause

// A small shop, as an HTTP service. It works, and has two faults of the kind that one meets:
// under load it holds a lock for too long, and from time to time it forgets a goroutine. The
// demo finds both from outside.
package main

import (
	"flag"
	"fmt"
	"log"
	"math/rand"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// supplierTimeout is how long an order waits for the supplier's price.
const supplierTimeout = 20 * time.Millisecond

type stock struct {
	mu    sync.Mutex
	items map[string]int
}

// take is the first fault: the journal is written while the lock is held, so that orders for
// different items wait for each other.
func (s *stock) take(item string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[item]++
	writeJournal(item)
	return s.items[item]
}

// writeJournal stands for a write that goes to the disk.
func writeJournal(string) {
	time.Sleep(2 * time.Millisecond)
}

// fetchPrice asks the supplier, which mostly answers in time.
func fetchPrice(reply chan<- int) {
	delay := 5 * time.Millisecond
	if rand.Intn(25) == 0 {
		delay = 2 * supplierTimeout
	}
	time.Sleep(delay)
	reply <- 100 + rand.Intn(900)
}

type shop struct {
	stock stock
}

// order is the second fault: where the supplier is too late nobody is left to take its reply,
// and the goroutine that holds it waits for ever. `make(chan int, 1)` would mend it.
func (s *shop) order(w http.ResponseWriter, r *http.Request) {
	item := r.URL.Query().Get("item")
	reply := make(chan int)
	go fetchPrice(reply)

	n := s.stock.take(item)
	select {
	case price := <-reply:
		fmt.Fprintf(w, "%s %d: %d\n", item, n, price)
	case <-time.After(supplierTimeout):
		http.Error(w, "the supplier does not answer", http.StatusGatewayTimeout)
	}
}

func (s *shop) health(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "ok")
}

// report says how the shop is doing, once a second: something that sleeps.
func (s *shop) report() {
	for range time.Tick(time.Second) {
		s.stock.mu.Lock()
		n := len(s.stock.items)
		s.stock.mu.Unlock()
		log.Printf("%d kinds of item sold", n)
	}
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	d := flag.Duration("d", time.Minute, "end by itself after this long")
	flag.Parse()

	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	s := &shop{stock: stock{items: map[string]int{}}}
	http.HandleFunc("/order", s.order)
	http.HandleFunc("/health", s.health)
	time.AfterFunc(*d, func() { os.Exit(0) })
	go s.report()
	fmt.Printf("http://%s\n", l.Addr())
	log.Fatal(http.Serve(l, nil))
}
