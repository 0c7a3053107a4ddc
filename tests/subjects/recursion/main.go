// SPDX-License-Identifier: BSD-2-Clause

// -n goroutines, one after another, each so deep that its stack must grow many times.
package main

import (
	"flag"

	"gtrace.test/subjects/fact"
)

var depth = flag.Int("depth", 20000, "calls")

//go:noinline
func down(n int) int {
	var pad [10]int
	pad[n%10] = n
	if n == 0 {
		return 0
	}
	return down(n-1) + 1 + pad[(n+1)%10]
}

func main() {
	fact.Begin()
	n := *fact.N
	if n > 100 {
		n = 100
	}
	sum := 0
	for i := 0; i < n; i++ {
		c := make(chan int)
		go func() { c <- down(*depth) }()
		sum += <-c
	}
	fact.Print(map[string]int{"calls": sum, "goroutines": n})
}
