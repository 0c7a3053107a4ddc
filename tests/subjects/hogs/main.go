// SPDX-License-Identifier: BSD-2-Clause

// -n goroutines that compute, on as many threads, and some that sleep, for -d. Before and after it
// prints what the kernel counted for each of its threads, each with the time before and after it was
// read (CLOCK_MONOTONIC): ns on a CPU, ns ready without one, time slices, and context switches.
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"gtrace.test/subjects/fact"
)

func monotonic() int64 {
	var ts syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

// counted is what the kernel says of a thread, read at once as far as that goes.
func counted(when string, tid string) map[string]interface{} {
	dir := "/proc/self/task/" + tid
	t0 := monotonic()
	schedstat, err := os.ReadFile(dir + "/schedstat")
	status, err2 := os.ReadFile(dir + "/status")
	t1 := monotonic()
	if err != nil || err2 != nil {
		return nil // the thread has ended
	}
	var run, wait, slices, vol, nonvol int64
	fmt.Sscan(string(schedstat), &run, &wait, &slices)
	for _, line := range bytes.Split(status, []byte("\n")) {
		f := strings.Fields(string(line))
		if len(f) == 2 && f[0] == "voluntary_ctxt_switches:" {
			vol, _ = strconv.ParseInt(f[1], 10, 64)
		}
		if len(f) == 2 && f[0] == "nonvoluntary_ctxt_switches:" {
			nonvol, _ = strconv.ParseInt(f[1], 10, 64)
		}
	}
	n, _ := strconv.ParseInt(tid, 10, 64)
	return map[string]interface{}{"when": when, "tid": n, "t0": t0, "t1": t1, "run": run,
		"wait": wait, "slices": slices, "voluntary": vol, "involuntary": nonvol}
}

func count(when string) {
	entries, _ := os.ReadDir("/proc/self/task")
	for _, e := range entries {
		if c := counted(when, e.Name()); c != nil {
			fact.Print(c)
		}
	}
}

func spin(end time.Time) (n int) {
	for time.Now().Before(end) {
		for i := 0; i < 100000; i++ {
			n += i ^ n
		}
	}
	return n
}

func main() {
	fact.Begin()
	runtime.GOMAXPROCS(*fact.N + 2)
	var group sync.WaitGroup
	begin := make(chan bool)
	for i := 0; i < *fact.N; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			<-begin
			spin(time.Now().Add(*fact.D))
		}()
	}
	group.Add(1)
	go func() {
		defer group.Done()
		<-begin
		for end := time.Now().Add(*fact.D); time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
	}()
	time.Sleep(10 * time.Millisecond)
	count("before")
	close(begin)
	group.Wait()
	count("after")
}
