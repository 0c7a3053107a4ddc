// SPDX-License-Identifier: BSD-2-Clause

//go:build go1.18 && !go1.23

package main

func sum[T int | float64](v ...T) (t T) {
	for _, x := range v {
		t += x
	}
	return t
}

func extra() int { return sum(1, 2) + int(sum(1.5, 2.5)) }
