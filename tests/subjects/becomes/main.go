// SPDX-License-Identifier: BSD-2-Clause

// Works for -d, then executes -what: `self` once more (which works for -d and ends), or a program.
package main

import (
	"flag"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"gtrace.test/subjects/fact"
)

var (
	what  = flag.String("what", "self", "self, or a program")
	again = flag.Bool("again", false, "is the second image")
)

func firstImage(group *sync.WaitGroup)  { time.Sleep(time.Millisecond); group.Done() }
func secondImage(group *sync.WaitGroup) { time.Sleep(time.Millisecond); group.Done() }

func main() {
	fact.Begin()
	for end := time.Now().Add(*fact.D); time.Now().Before(end); {
		var group sync.WaitGroup
		group.Add(1)
		if *again {
			go secondImage(&group)
		} else {
			go firstImage(&group)
		}
		group.Wait()
	}
	if *again {
		return
	}
	path, args := os.Args[0], []string{os.Args[0], "-again", "-d", fact.D.String()}
	if *what != "self" {
		var err error
		if path, err = exec.LookPath(*what); err != nil {
			panic(err)
		}
		args = []string{*what, "1"}
	}
	panic(syscall.Exec(path, args, os.Environ()))
}
