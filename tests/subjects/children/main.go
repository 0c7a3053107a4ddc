// SPDX-License-Identifier: BSD-2-Clause

// Starts -n children (at most 5), one after another: itself with -child, and /bin/true.
package main

import (
	"flag"
	"os"
	"os/exec"

	"gtrace.test/subjects/fact"
)

func run(c *exec.Cmd) int {
	c.Stdout = os.Stdout
	if err := c.Run(); err != nil {
		panic(err)
	}
	return c.Process.Pid
}

func main() {
	child := flag.Bool("child", false, "be a child")
	fact.Begin()
	if *child {
		return
	}
	var pids []int
	for i := 0; i < *fact.N && i < 5; i++ {
		pids = append(pids, run(exec.Command(os.Args[0], "-child")), run(exec.Command("true")))
	}
	fact.Print(map[string][]int{"children": pids})
}
