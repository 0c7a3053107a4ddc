// SPDX-License-Identifier: BSD-2-Clause

// The oracle's witness: a program that writes its own runtime/trace (-trace) from its first
// moments until just before its end, while it does a bit of everything for -d. At a known
// point, marked in that trace by the log messages "dump begin" and "dump end", it also writes
// the stacks of all its goroutines (-dump, as pprof's debug=2), when one goroutine waits for
// each reason that a program can wait for.
//
// With -load NAME,... it goes through those ordeals instead; -loads lists what this build has.
//
// Run it with GOTRACEBACK=system and the dump holds the runtime's own goroutines too.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strings"

	"gtrace.test/subjects/fact"
)

var (
	traceFile = flag.String("trace", "", "write runtime/trace here")
	dumpFile  = flag.String("dump", "", "write the goroutine dump here")
	loads     = flag.String("load", "", "go through these ordeals, one after another")
	list      = flag.Bool("loads", false, "list the ordeals")
)

func create(name string) *os.File {
	if name == "" {
		name = os.DevNull
	}
	f, err := os.Create(name)
	if err != nil {
		panic(err)
	}
	return f
}

func dump() {
	f := create(*dumpFile)
	ctx := context.Background()
	trace.Log(ctx, "dump", "begin")
	if err := pprof.Lookup("goroutine").WriteTo(f, 2); err != nil {
		panic(err)
	}
	trace.Log(ctx, "dump", "end")
	f.Close()
}

func main() {
	flag.Parse()
	if *list {
		fmt.Println(strings.Join(ordealNames(), "\n"))
		return
	}
	fact.Begin()
	f := create(*traceFile)
	if err := trace.Start(f); err != nil {
		panic(err)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(2, runtime.NumCPU()))
	}
	if *loads == "" {
		load(*fact.D)
	} else {
		for _, name := range strings.Split(*loads, ",") {
			ordeals[name]()
		}
	}
	parked := park()
	dump()
	trace.Stop()
	if err := f.Close(); err != nil {
		panic(err)
	}
	fact.Print(map[string]interface{}{"parked": parked})
}

func max(a, b int) int {
	if a > b {
		return a
	}
	return b
}
