// SPDX-License-Identifier: BSD-2-Clause

// A small program whose binaries are looked into, not run: inlined calls several deep, methods,
// closures, go statements with and without arguments. It builds with Go 1.17 and later.
package main

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"time"
)

type shape interface{ area() int }

type square struct{ a int }

func (s square) area() int { return s.a * s.a }

type bag struct {
	mu sync.Mutex
	m  map[string]int
}

func (b *bag) add(k string, n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.m[k] += n
	return inlineA(b.m[k])
}

func inlineA(n int) int { return inlineB(n) + 1 }
func inlineB(n int) int { return inlineC(n) * 2 }
func inlineC(n int) int { return n ^ len(os.Args) }

//go:noinline
func worker(id int, in <-chan int, out chan<- string, wg *sync.WaitGroup) {
	defer wg.Done()
	for v := range in {
		out <- fmt.Sprint(id, inlineA(v), strings.Repeat("x", v%3))
	}
}

var errOdd = errors.New("odd")

func main() {
	var wg sync.WaitGroup
	in, out := make(chan int), make(chan string, 100)
	b := &bag{m: map[string]int{}}
	for i := 0; i < 3; i++ {
		wg.Add(1)
		go worker(i, in, out, &wg)
	}
	go func() {
		for i := 0; i < 10; i++ {
			in <- b.add("k", i)
		}
		close(in)
	}()
	wg.Wait()
	close(out)
	var all []string
	for s := range out {
		all = append(all, s)
	}
	sort.Strings(all)
	time.Sleep(time.Millisecond)
	var s shape = square{len(all)}
	fmt.Println(strings.Join(all, " "), s.area(), extra(), errOdd)
}
