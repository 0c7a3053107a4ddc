// SPDX-License-Identifier: BSD-2-Clause

// Three workers, five jobs, and a schedule that leaves no choice: who waits for what, and how
// often, is known before. Times are in units (-unit); neighbours differ by half of one at least.
//
//	t=0    three workers wait for jobs, main sleeps
//	t=1    main hands out jobs 1-3 and waits to send job 4
//	t=2    job 1 is done, its worker takes job 4; main waits to send job 5
//	t=3    job 2 is done, its worker takes job 5; main closes the channel, waits for the group
//	t=4    job 3 is done; t=4.5 job 4; t=6 job 5; each worker finds the channel closed and ends
package main

import (
	"flag"
	"sync"
	"time"

	"gtrace.test/subjects/fact"
)

type life struct {
	Goid   uint64         `json:"goid"`
	Parent uint64         `json:"parent"`
	Func   string         `json:"func"`
	Site   string         `json:"site,omitempty"`
	Waits  map[string]int `json:"waits"`
}

var (
	unit    = flag.Duration("unit", 50*time.Millisecond, "one step of the schedule")
	jobs    = make(chan int)
	results = make(chan int, 5)
	lives   = make(chan life, 3)
	group   sync.WaitGroup

	halves = [...]int{0, 2, 4, 6, 5, 6} // length of each job in half units
)

func worker() {
	defer group.Done()
	l := life{Goid: fact.Goid(), Parent: 1, Func: "main.worker", Waits: map[string]int{"chan receive": 1}}
	for j := range jobs {
		time.Sleep(time.Duration(halves[j]) * *unit / 2)
		l.Waits["sleep"]++
		results <- j * j
	}
	lives <- l
}

func main() {
	fact.Begin()
	group.Add(3)
	var site string
	for i := 0; i < 3; i++ {
		site = fact.Next()
		go worker()
	}
	time.Sleep(*unit)
	for j := 1; j <= 5; j++ {
		jobs <- j
	}
	close(jobs)
	group.Wait()

	sum := 0
	for i := 0; i < 5; i++ {
		sum += <-results
	}
	for i := 0; i < 3; i++ {
		l := <-lives
		l.Site = site
		fact.Print(l)
	}
	fact.Print(life{Goid: fact.Goid(), Func: "runtime.main", Waits: map[string]int{
		"sleep": 1, "chan send": 2, fact.WaitGroupReason(): 1}})
	fact.Print(map[string]int{"sum": sum})
}
