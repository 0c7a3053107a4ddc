// SPDX-License-Identifier: BSD-2-Clause

//go:build cgo

package main

// static int gt_twice(int n) { return 2 * n; }
import "C"

var twice = C.gt_twice(21)
