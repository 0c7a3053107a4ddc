// SPDX-License-Identifier: BSD-2-Clause

// Leaks -n goroutines, half of them before it says that it is ready, the others over -d.
package main

import (
	"time"

	"gtrace.test/subjects/fact"
)

var ids = make(chan uint64)

func forgotten(never chan int) {
	ids <- fact.Goid()
	<-never
}

func main() {
	var goids []uint64
	leak := func() {
		go forgotten(make(chan int))
		goids = append(goids, <-ids)
	}
	for i := 0; i < 10; i++ {
		leak()
	}
	fact.Begin()
	for i := 0; i < 10; i++ {
		time.Sleep(*fact.D / 10)
		leak()
	}
	fact.Print(map[string]interface{}{"leaked": goids, "reason": "chan receive", "func": "main.forgotten"})
	time.Sleep(*fact.D / 10)
}
