// SPDX-License-Identifier: BSD-2-Clause

// Package fact is what the traced programs share: they say when they are ready, wait to be let go,
// and print facts about themselves as JSON lines.
package fact

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	// D bounds programs that run for a time, N those that do a number of things.
	D = flag.Duration("d", 2*time.Second, "how long to run")
	N = flag.Int("n", 1000, "how much to do")

	goFile = flag.String("go", "", "begin when this file exists")
	mu     sync.Mutex
)

// Begin parses the flags, says that the program is ready, and waits for the -go file. It gives
// up waiting after a minute, so that no program stays behind.
func Begin() {
	flag.Parse()
	Print(map[string]interface{}{"ready": true, "pid": os.Getpid(), "go": runtime.Version()})
	for end := time.Now().Add(time.Minute); *goFile != "" && time.Now().Before(end); {
		if _, err := os.Stat(*goFile); err == nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Print writes one fact as a line of JSON.
func Print(v interface{}) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	mu.Lock()
	defer mu.Unlock()
	os.Stdout.Write(append(b, '\n'))
}

// Goid is the number of the calling goroutine, from the head line of its own stack dump.
func Goid() uint64 {
	var buf [64]byte
	s := buf[:runtime.Stack(buf[:], false)]
	s = bytes.TrimPrefix(s, []byte("goroutine "))
	id, err := strconv.ParseUint(string(s[:bytes.IndexByte(s, ' ')]), 10, 64)
	if err != nil {
		panic(err)
	}
	return id
}

// Next is "function file:line" of the line after the caller's: the site of a go statement there.
func Next() string {
	pc, file, line, _ := runtime.Caller(1)
	return fmt.Sprintf("%s %s:%d", runtime.FuncForPC(pc).Name(), file, line+1)
}

// Minor is the N of the toolchain's go1.N.
func Minor() int {
	v := strings.TrimPrefix(runtime.Version(), "go1.")
	n := 0
	for n < len(v) && v[n] >= '0' && v[n] <= '9' {
		n++
	}
	m, _ := strconv.Atoi(v[:n])
	return m
}

// WaitGroupReason is how this runtime calls a wait for a sync.WaitGroup.
func WaitGroupReason() string {
	if Minor() >= 24 {
		return "sync.WaitGroup.Wait"
	}
	return "semacquire"
}

// MutexReason is how this runtime calls a wait for a sync.Mutex.
func MutexReason() string {
	if Minor() >= 20 {
		return "sync.Mutex.Lock"
	}
	return "semacquire"
}
