// SPDX-License-Identifier: BSD-2-Clause

//go:build !go1.18

package main

func extra() int { return 17 }
