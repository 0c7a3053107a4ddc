// SPDX-License-Identifier: BSD-2-Clause

// Forks without exec, from C, -n times: the child comes back into Go code, counts to three over a
// channel, and leaves with 7. What the parent saw is printed.
package main

/*
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}
*/
import "C"

import "gtrace.test/subjects/fact"

func main() {
	fact.Begin()
	var status, pids []int
	for i := 0; i < *fact.N; i++ {
		pid := C.fork()
		if pid == 0 {
			c := make(chan int, 3)
			for j := 0; j < 3; j++ {
				c <- j
			}
			C._exit(7)
		}
		pids = append(pids, int(pid))
		status = append(status, int(C.wait_for(pid)))
	}
	fact.Print(map[string][]int{"status": status, "pids": pids})
}
