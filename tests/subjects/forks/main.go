// SPDX-License-Identifier: BSD-2-Clause

// Forks without exec, from C, -n times: the child comes back into Go code, sends three values, and
// leaves with 7. What became of each is printed: an exit status, 256 + a signal, or -1 for one that
// hung and was killed; Go does not promise that it goes well, if its scanner is at work just then.
package main

/*
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static int wait_for(pid_t pid)
{
	int status = 0;

	for (int i = 0; i < 200; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
		usleep(5000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
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
