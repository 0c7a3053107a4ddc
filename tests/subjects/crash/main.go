// SPDX-License-Identifier: BSD-2-Clause

// Dies after -d with goroutines about: by -how, as a program that has a bug does.
package main

import (
	"flag"
	"os"
	"syscall"
	"time"

	"gtrace.test/subjects/fact"
)

var how = flag.String("how", "panic", "panic, nil, kill, abort, deadlock")

func victim() {
	time.Sleep(*fact.D)
	switch *how {
	case "panic":
		panic("as asked")
	case "nil":
		var p *int
		*p = 1
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "abort":
		syscall.Kill(os.Getpid(), syscall.SIGABRT)
	}
}

func main() {
	fact.Begin()
	never := make(chan int)
	for i := 0; i < 3; i++ {
		go func() { <-never }()
	}
	go victim()
	<-never // once the victim is gone: "all goroutines are asleep - deadlock!"
}
