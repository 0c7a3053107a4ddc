// SPDX-License-Identifier: BSD-2-Clause

// Maps a file and reads a byte of each of its -n pages, after the kernel was told to forget the
// file, for -d or longer. Prints how many major page faults its process has had before and after,
// as the kernel counts them.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"syscall"
	"unsafe"

	"gtrace.test/subjects/fact"
)

var file = flag.String("file", "", "the file to map; made when it is not there")

// majflt is the field of that name [proc(5)].
func majflt() (n int64) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		panic(err)
	}
	rest := stat[bytes.LastIndexByte(stat, ')')+2:]
	fmt.Sscan(strings.Fields(string(rest))[9], &n)
	return n
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

const dontNeed, random = 4, 1 // POSIX_FADV_DONTNEED, MADV_RANDOM

//go:noinline
func touch(m []byte) (sum int) {
	for i := 0; i < len(m); i += 4096 {
		sum += int(m[i])
	}
	return sum
}

func main() {
	fact.Begin()
	size := *fact.N * 4096
	f, err := os.OpenFile(*file, os.O_RDWR|os.O_CREATE, 0o600)
	must(err)
	must(f.Truncate(int64(size)))
	_, err = f.WriteAt(bytes.Repeat([]byte{1}, size), 0)
	must(err)
	must(f.Sync())
	_, _, e := syscall.Syscall6(syscall.SYS_FADVISE64, f.Fd(), 0, uintptr(size), dontNeed, 0, 0)
	if e != 0 {
		panic(e)
	}
	m, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ, syscall.MAP_SHARED)
	must(err)
	must(syscall.Madvise(m, random))
	base := uint64(uintptr(unsafe.Pointer(&m[0])))
	before := majflt()
	done := make(chan int)
	go func() { done <- touch(m) }()
	sum := <-done
	after := majflt()
	fact.Print(map[string]interface{}{"before": before, "after": after, "sum": sum,
		"base": base, "size": size})
}
