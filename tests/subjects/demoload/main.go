// SPDX-License-Identifier: BSD-2-Clause

// The shop's customers: -clients of them order one thing after another at -url, for -d.
package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

type tally struct {
	mu     sync.Mutex
	orders int
	late   int
	failed int
}

func (t *tally) add(r *http.Response, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err != nil:
		t.failed++
	case r.StatusCode == http.StatusGatewayTimeout:
		t.late++
	default:
		t.orders++
	}
}

func customer(url string, n int, end time.Time, t *tally) {
	for i := 0; time.Now().Before(end); i++ {
		r, err := http.Get(fmt.Sprintf("%s/order?item=thing-%d", url, (n*7+i)%20))
		t.add(r, err)
		if err == nil {
			io.Copy(io.Discard, r.Body)
			r.Body.Close()
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func main() {
	url := flag.String("url", "", "where the shop is")
	clients := flag.Int("clients", 8, "customers at a time")
	d := flag.Duration("d", 10*time.Second, "how long")
	flag.Parse()

	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = *clients
	var group sync.WaitGroup
	var t tally
	for n := 0; n < *clients; n++ {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			customer(*url, n, time.Now().Add(*d), &t)
		}(n)
	}
	group.Wait()
	fmt.Printf("%d orders, %d times the supplier was late, %d failed\n", t.orders, t.late, t.failed)
	if t.orders == 0 {
		os.Exit(1)
	}
}
