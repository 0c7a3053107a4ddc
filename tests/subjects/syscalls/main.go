// SPDX-License-Identifier: BSD-2-Clause

// -n short system calls from four goroutines, and a few that block the thread for 30 ms.
package main

import (
	"os"
	"sync"
	"syscall"

	"gtrace.test/subjects/fact"
)

func short(n int, group *sync.WaitGroup) {
	defer group.Done()
	fd, err := syscall.Open("/dev/zero", os.O_RDONLY, 0)
	if err != nil {
		panic(err)
	}
	defer syscall.Close(fd)
	var b [64]byte
	for i := 0; i < n; i++ {
		if _, err := syscall.Read(fd, b[:]); err != nil {
			panic(err)
		}
	}
}

func long(n int, group *sync.WaitGroup) {
	defer group.Done()
	for i := 0; i < n; i++ {
		ts := syscall.Timespec{Nsec: 30e6}
		_ = syscall.Nanosleep(&ts, nil) // an early end by a signal is as good
	}
}

func main() {
	fact.Begin()
	var group sync.WaitGroup
	group.Add(5)
	for i := 0; i < 4; i++ {
		go short(*fact.N/4, &group)
	}
	go long(5, &group)
	group.Wait()
	fact.Print(map[string]int{"short": *fact.N / 4 * 4, "long": 5})
}
