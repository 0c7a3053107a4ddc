// SPDX-License-Identifier: BSD-2-Clause

// Ends in order on SIGTERM or SIGINT, with -code, after 100 ms of clearing up; by itself after
// -d, with status 9.
package main

import (
	"flag"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gtrace.test/subjects/fact"
)

func main() {
	code := flag.Int("code", 0, "exit status after a signal")
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM, os.Interrupt)
	fact.Begin()
	select {
	case s := <-c:
		time.Sleep(100 * time.Millisecond)
		fact.Print(map[string]string{"signal": s.String()})
		os.Exit(*code)
	case <-time.After(*fact.D):
		os.Exit(9)
	}
}
