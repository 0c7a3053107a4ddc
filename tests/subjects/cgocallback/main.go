// SPDX-License-Identifier: BSD-2-Clause

// C threads that call into Go, and Go that calls C: -n calls of each, from three C threads.
package main

/*
#cgo LDFLAGS: -lpthread
#include <pthread.h>
#include <unistd.h>

extern void goCalled(int i);

static void *caller(void *n)
{
	for (long i = 0; i < (long)n; i++)
		goCalled((int)i);
	return 0;
}

static void start(pthread_t *t, long n)
{
	pthread_create(t, 0, caller, (void *)n);
}

static void join(pthread_t t)
{
	pthread_join(t, 0);
}

static void nap(void)
{
	usleep(100);
}
*/
import "C"

import (
	"sync/atomic"

	"gtrace.test/subjects/fact"
)

var called int64

//export goCalled
func goCalled(i C.int) {
	atomic.AddInt64(&called, 1)
}

func main() {
	fact.Begin()
	var threads [3]C.pthread_t
	for i := range threads {
		C.start(&threads[i], C.long(*fact.N))
	}
	for i := 0; i < *fact.N; i++ {
		C.nap()
	}
	for _, t := range threads {
		C.join(t)
	}
	fact.Print(map[string]int64{"called": called, "calls": int64(*fact.N) + 6})
}
