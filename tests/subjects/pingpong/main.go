// SPDX-License-Identifier: BSD-2-Clause

// Two goroutines hand a token to and fro over unbuffered channels, -n times.
package main

import "gtrace.test/subjects/fact"

var (
	ping = make(chan int)
	pong = make(chan int)
	id   = make(chan uint64, 1)
)

func player() {
	id <- fact.Goid()
	for v := range ping {
		pong <- v + 1
	}
	close(pong)
}

func main() {
	fact.Begin()
	go player()
	v := 0
	for i := 0; i < *fact.N; i++ {
		ping <- v
		v = <-pong
	}
	close(ping)
	<-pong
	fact.Print(map[string]uint64{"rounds": uint64(v), "player": <-id})
}
