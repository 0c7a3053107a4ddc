// SPDX-License-Identifier: BSD-2-Clause

// Ends with -code after -d.
package main

import (
	"flag"
	"os"
	"time"

	"gtrace.test/subjects/fact"
)

func main() {
	code := flag.Int("code", 3, "exit status")
	fact.Begin()
	time.Sleep(*fact.D)
	os.Exit(*code)
}
