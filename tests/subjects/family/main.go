// SPDX-License-Identifier: BSD-2-Clause

// Goroutines that make goroutines: every one tells its parent, so a trace's tree can be checked.
package main

import (
	"flag"
	"sync"

	"gtrace.test/subjects/fact"
)

var (
	depth  = flag.Int("depth", 4, "generations")
	fanout = flag.Int("fanout", 3, "children of each")
	group  sync.WaitGroup
)

func child(parent uint64, generation int) {
	defer group.Done()
	id := fact.Goid()
	fact.Print(map[string]uint64{"goid": id, "parent": parent})
	bear(id, generation+1)
}

func bear(id uint64, generation int) {
	if generation > *depth {
		return
	}
	for i := 0; i < *fanout; i++ {
		group.Add(1)
		go child(id, generation)
	}
}

func main() {
	fact.Begin()
	bear(fact.Goid(), 1)
	group.Wait()
}
