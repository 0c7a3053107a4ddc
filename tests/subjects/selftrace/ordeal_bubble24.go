// SPDX-License-Identifier: BSD-2-Clause

//go:build go1.24 && !go1.25 && goexperiment.synctest

package main

import (
	"sync"
	"testing/synctest"
	"time"
)

func init() {
	ordeals["synctest"] = bubbles
}

// bubbles are synctest's as Go 1.24 had it, an experiment.
func bubbles() {
	for k := 0; k < 10; k++ {
		synctest.Run(func() {
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
		})
	}
}
