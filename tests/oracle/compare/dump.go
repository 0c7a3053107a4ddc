// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// dumped is one goroutine of a debug=2 dump.
type dumped struct {
	goid    int64
	reason  string // or running, runnable, syscall
	creator string // function
	parent  int64  // since Go 1.21
}

var (
	dumpHead    = regexp.MustCompile(`^goroutine (\d+) (?:[^\[]*)\[([^\]]*)\]:$`)
	dumpCreated = regexp.MustCompile(`^created by (\S+)(?: in goroutine (\d+))?$`)
	dumpExtras  = regexp.MustCompile(`, (\d+ minutes|locked to thread|synctest.*)$| \((scan|leaked)\)$`)
)

func readDump(name string) ([]dumped, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var out []dumped
	for _, line := range strings.Split(string(b), "\n") {
		if m := dumpHead.FindStringSubmatch(line); m != nil {
			id, _ := strconv.ParseInt(m[1], 10, 64)
			reason := m[2]
			for dumpExtras.MatchString(reason) {
				reason = dumpExtras.ReplaceAllString(reason, "")
			}
			out = append(out, dumped{goid: id, reason: reason})
		} else if m := dumpCreated.FindStringSubmatch(line); m != nil && len(out) > 0 {
			d := &out[len(out)-1]
			d.creator = m[1]
			d.parent, _ = strconv.ParseInt(m[2], 10, 64)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no goroutine in it", name)
	}
	return out, nil
}

// dump compares the state of every goroutine while its dump was made: reasons word for word.
func (k *comparison) dump(all []dumped) error {
	t0, ok0 := k.g.marks["dump begin"]
	t1, ok1 := k.g.marks["dump end"]
	if !ok0 || !ok1 {
		return fmt.Errorf("the Go trace does not say when the dump was made")
	}
	for _, d := range all {
		k.who = d.goid
		l := k.t.lives[d.goid]
		if l == nil {
			k.mismatch("dump: goroutine unknown to gtrace", d.reason)
			continue
		}
		k.counts["goroutines of the dump"]++
		if got := l.during(t0, t1); !slices.Contains(got, d.reason) {
			k.mismatch("dump: state", fmt.Sprintf("Go %q, gtrace %q", d.reason, got))
		}
		if d.parent != l.parent && d.parent != 0 {
			k.mismatch("dump: parent", fmt.Sprintf("Go %d, gtrace %d", d.parent, l.parent))
		}
		if by, _, _ := strings.Cut(l.site, " "); d.creator != "" && by != "" && by != d.creator {
			k.mismatch("dump: created by", fmt.Sprintf("Go %q, gtrace %q", d.creator, by))
		}
	}
	return nil
}
