// SPDX-License-Identifier: BSD-2-Clause

//go:build go1.23

// Coroutines: iter.Pull switches goroutines without the scheduler. -n values are pulled, from
// one that is run to its end and one that is stopped half way.
package main

import (
	"iter"

	"gtrace.test/subjects/fact"
)

func count(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 0; i < n; i++ {
			if !yield(i) {
				return
			}
		}
	}
}

func main() {
	fact.Begin()
	sum := 0
	next, stop := iter.Pull(count(*fact.N))
	for v, ok := next(); ok; v, ok = next() {
		sum += v
	}
	stop()
	next, stop = iter.Pull(count(*fact.N))
	for i := 0; i < *fact.N/2; i++ {
		next()
	}
	stop()
	fact.Print(map[string]int{"sum": sum})
}
