// SPDX-License-Identifier: BSD-2-Clause

//go:build cgo
// +build cgo

package main

/*
#cgo LDFLAGS: -lpthread
#include <pthread.h>
#include <unistd.h>

extern int goAdd(int n);

static int through(int n)
{
	return goAdd(n) + 1;
}

static void *caller(void *n)
{
	for (long i = 0; i < (long)n; i++)
		goAdd((int)i);
	return 0;
}

// threads starts n threads of C that call into Go, and waits for them.
static void threads(int n, long calls)
{
	pthread_t t[16];

	for (int i = 0; i < n && i < 16; i++)
		pthread_create(&t[i], 0, caller, (void *)calls);
	for (int i = 0; i < n && i < 16; i++)
		pthread_join(t[i], 0);
}

static void quick(void) {}

static void nap(int us)
{
	usleep(us);
}
*/
import "C"

import (
	"runtime"
	"sync/atomic"
	"time"

	"gtrace.test/subjects/fact"
)

func init() {
	ordeals["cgo"] = foreign
	ordeals["threads"] = strangers
}

// goMain is for a program of C that loads this as a shared object.
//
//export goMain
func goMain() { main() }

var added int64 // calls of goAdd

// goAdd is Go called from C: at times it blocks, yields or lets its stack grow.
//
//export goAdd
func goAdd(n C.int) C.int {
	atomic.AddInt64(&added, 1)
	switch n % 10 {
	case 3:
		time.Sleep(10 * time.Microsecond)
	case 5:
		runtime.Gosched()
	case 7:
		down(500, func() {})
	}
	return n + 1
}

// foreign calls C for short and for long, and C that calls back.
func foreign() {
	gang(6, func(i int) {
		for k := 0; k < 100; k++ {
			for j := 0; j < 20; j++ {
				C.quick()
			}
			switch i {
			case 0:
				C.nap(50)
			case 1:
				runtime.LockOSThread()
				C.through(C.int(k))
				runtime.UnlockOSThread()
			default:
				C.through(C.int(k))
			}
		}
	})
}

// strangers are threads of C that call into Go.
func strangers() {
	gang(3, func(i int) {
		for k := 0; k < 30; k++ {
			C.threads(C.int(1+i), 20)
		}
	})
	fact.Print(map[string]int64{"called from threads of C": added})
}
