// SPDX-License-Identifier: BSD-2-Clause

// Compare holds gtrace's view of a program, from outside, against the program's own
// runtime/trace of the same run:
//
//	compare [-dump FILE] GO-TRACE GTREPLAY-JSON
//	compare -table
//
// Same goroutines, parents, entry functions; for each the same states in the same order, for
// the same reasons and for as long, within a tolerance. Exit 1 where they differ and no stated
// rule explains it. What a rule explains is counted, never dropped silently.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	dumpFile := flag.String("dump", "", "the program's debug=2 goroutine dump")
	table := flag.Bool("table", false, "print the table of wait reasons and exit")
	slack := flag.Duration("slack", 2*time.Millisecond, "uncertainty of the ends of the Go trace")
	tol := tolerance{}
	flag.DurationVar(&tol.p99, "p99", 100*time.Microsecond, "99 % of durations agree this well; 0 asks nothing")
	flag.DurationVar(&tol.outlier, "outlier", 2*time.Millisecond,
		"durations that differ by more need an explanation")
	flag.Float64Var(&tol.far, "far", 0.002,
		"share of them that may stay without: other programs take the CPU unseen")
	flag.Parse()
	if *table {
		fmt.Print(reasonTable())
		return
	}
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	ok, err := run(flag.Arg(0), flag.Arg(1), *dumpFile, int64(*slack), tol)
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(3)
	}
	if !ok {
		os.Exit(1)
	}
}

func run(goName, gtName, dumpName string, slack int64, tol tolerance) (bool, error) {
	g, err := readGoTrace(goName)
	if err != nil {
		return false, err
	}
	t, err := readGt(gtName)
	if err != nil {
		return false, err
	}
	k, err := newComparison(g, t, slack)
	if err != nil {
		return false, err
	}
	k.run()
	if dumpName != "" {
		all, err := readDump(dumpName)
		if err != nil {
			return false, err
		}
		if err := k.dump(all); err != nil {
			return false, err
		}
	}
	k.times(tol)
	return k.report(os.Stdout), nil
}
