// SPDX-License-Identifier: BSD-2-Clause

// Names, types, arguments and a thread name that must not be found in a redacted trace.
package main

import (
	"slices"
	"sync"
	"time"
)

type plantedType[T any] struct{ plantedField T }

func (p *plantedType[T]) plantedMethod(wg *sync.WaitGroup) {
	defer wg.Done()
	for i := 0; i < 20; i++ {
		func() { time.Sleep(time.Millisecond) }()
	}
}

func plantedWorker(wg *sync.WaitGroup, ch chan int) {
	defer wg.Done()
	l := []plantedType[int]{{2}, {1}}
	slices.SortFunc(l, func(a, b plantedType[int]) int { time.Sleep(time.Millisecond); return a.plantedField - b.plantedField })
	<-ch
}

func main() {
	var wg sync.WaitGroup
	ch := make(chan int)
	for i := 0; i < 4; i++ {
		wg.Add(2)
		go plantedWorker(&wg, ch)
		go (&plantedType[string]{"x"}).plantedMethod(&wg)
	}
	time.Sleep(50 * time.Millisecond)
	close(ch)
	wg.Wait()
}
