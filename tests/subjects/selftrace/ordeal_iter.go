// SPDX-License-Identifier: BSD-2-Clause

//go:build go1.23

package main

import (
	"iter"
	"runtime"
	"time"
)

func init() {
	ordeals["iterpull"] = coroutines
}

// coroutines are pulled to their end, stopped half way, left alone, and block in between; and
// one is pulled by many goroutines in turn.
func coroutines() {
	numbers := func(n int) iter.Seq[int] {
		return func(yield func(int) bool) {
			for i := 0; i < n && yield(i); i++ {
				switch i % 20 {
				case 7:
					time.Sleep(20 * time.Microsecond)
				case 11:
					runtime.Gosched()
				case 13:
					runtime.GC()
				case 17:
					down(100, func() {})
				}
			}
		}
	}
	gang(4, func(i int) {
		for k := 0; k < 10; k++ {
			next, stop := iter.Pull(numbers(30))
			for v, ok := next(); ok && (i != 1 || v < 15); v, ok = next() {
				runtime.Gosched()
			}
			stop()
		}
	})
	next, stop := iter.Pull(numbers(40))
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	gang(4, func(int) {
		for k := 0; k < 10; k++ {
			<-turn
			next()
			turn <- struct{}{}
		}
	})
	stop()
}
