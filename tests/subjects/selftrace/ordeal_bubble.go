// SPDX-License-Identifier: BSD-2-Clause

//go:build go1.25

package main

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func init() {
	ordeals["synctest"] = bubbles
}

// bubbles are synctest's: time in them is not real, and waits in them have reasons of their own.
func bubbles() {
	testing.Init()
	bubble := func(t *testing.T) {
		c := make(chan int)
		var all sync.WaitGroup
		for i := 0; i < 5; i++ {
			all.Add(1)
			go func() {
				defer all.Done()
				for range c {
					time.Sleep(time.Second)
					select {
					case <-time.After(time.Minute):
					case <-c:
					}
				}
			}()
		}
		for i := 0; i < 40; i++ {
			c <- i
			if i%10 == 0 {
				synctest.Wait()
			}
		}
		close(c)
		all.Wait()
	}
	// testing ends the program when it is through, so it never is.
	done := make(chan struct{})
	tests := []testing.InternalTest{{Name: "bubbles", F: func(t *testing.T) {
		for k := 0; k < 10; k++ {
			synctest.Test(t, bubble)
		}
		close(done)
		select {}
	}}}
	go testing.Main(func(string, string) (bool, error) { return true, nil }, tests, nil, nil)
	<-done
}
