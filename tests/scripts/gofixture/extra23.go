// SPDX-License-Identifier: BSD-2-Clause

//go:build go1.23

package main

import "iter"

func count(yield func(int) bool) {
	for i := 0; i < 3 && yield(i); i++ {
	}
}

func extra() (n int) {
	next, stop := iter.Pull(count)
	defer stop()
	for v, ok := next(); ok; v, ok = next() {
		n += v
	}
	return n
}
