// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/trace"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

// traced writes this process's own trace of a small load, and returns its name.
func traced(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "go.trace")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := trace.Start(f); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 20; i++ {
		ping, pong := make(chan int), make(chan int)
		var mu sync.Mutex
		go func() {
			for v := range ping {
				mu.Lock()
				time.Sleep(time.Millisecond)
				mu.Unlock()
				pong <- v
			}
		}()
		for j := 0; j < 10; j++ {
			ping <- j
			<-pong
		}
		close(ping)
		time.Sleep(time.Millisecond)
	}
	trace.Stop()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

// line is what gtreplay would print; a map, so that a test can spoil any part of it.
type line map[string]any

// told is a Go trace in the words of `gtreplay --json`: a witness that agrees in all.
func told(t *testing.T, goTrace string) []line {
	t.Helper()
	g, err := readGoTrace(goTrace)
	if err != nil {
		t.Fatal(err)
	}
	word := map[state]string{none: "dead", runnable: "runnable", running: "running",
		waiting: "waiting", inSyscall: "syscall"}
	var lines []line
	for _, l := range g.lives {
		for _, s := range l.steps {
			x := line{"t_ns": s.t - g.t0 + 1000, "cpu": 0, "tid": 1, "goid": l.goid,
				"from": word[s.from], "to": word[s.to]}
			if s.from == none {
				x["parent"], x["func"], x["site"] = l.parent, l.fn, l.site
			}
			if s.waker != 0 {
				x["waker"] = s.waker
			}
			if s.to == waiting {
				for _, r := range reasons {
					if r.word == s.reason {
						x["reason"] = r.own[0]
					}
				}
			}
			lines = append(lines, x)
		}
	}
	sort.Slice(lines, func(i, j int) bool { return lines[i]["t_ns"].(int64) < lines[j]["t_ns"].(int64) })
	return lines
}

// verdict compares, and returns the report.
func verdict(t *testing.T, goTrace string, lines []line) (bool, string) {
	t.Helper()
	var b bytes.Buffer
	for _, l := range lines {
		if l == nil {
			continue
		}
		j, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(j, '\n'))
	}
	name := filepath.Join(t.TempDir(), "gt.json")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	g, err := readGoTrace(goTrace)
	if err != nil {
		t.Fatal(err)
	}
	h, err := readGt(name)
	if err != nil {
		return false, err.Error()
	}
	k, err := newComparison(g, h, int64(200*time.Microsecond))
	if err != nil {
		return false, err.Error()
	}
	k.run()
	k.times(tolerance{p99: 100 * time.Microsecond, outlier: 2 * time.Millisecond, far: 0.002})
	var out bytes.Buffer
	ok := k.report(&out)
	return ok, out.String()
}

// pick is the index of the nth line in the middle of the trace that fits.
func pick(t *testing.T, lines []line, fits func(line) bool) int {
	t.Helper()
	for i := len(lines) / 2; i < len(lines); i++ {
		if fits(lines[i]) {
			return i
		}
	}
	t.Fatal("no line fits")
	return 0
}

func to(state string) func(line) bool {
	return func(l line) bool { return l["to"] == state && l["from"] != "dead" }
}

func born(l line) bool { return l["from"] == "dead" }

func TestAgreesWithItself(t *testing.T) {
	name := traced(t)
	if ok, report := verdict(t, name, told(t, name)); !ok {
		t.Error(report)
	}
}

func TestFindsWhatIsSpoiled(t *testing.T) {
	name := traced(t)
	for _, c := range []struct {
		what, class string
		spoil       func(t *testing.T, lines []line) []line
	}{
		{"an event dropped", "only the Go tracer saw running>waiting", func(t *testing.T, l []line) []line {
			l[pick(t, l, to("waiting"))] = nil
			return l
		}},
		{"a whole turn of a loop dropped", "only the Go tracer saw", func(t *testing.T, l []line) []line {
			i := pick(t, l, to("waiting"))
			goid, left := l[i]["goid"], 3
			for ; left > 0; i++ {
				if l[i]["goid"] == goid {
					l[i] = nil
					left--
				}
			}
			return l
		}},
		{"an event too many", "only gtrace saw", func(t *testing.T, l []line) []line {
			i := pick(t, l, to("running"))
			x := line{}
			for k, v := range l[i] {
				x[k] = v
			}
			x["from"], x["to"] = "running", "runnable"
			y := line{}
			for k, v := range x {
				y[k] = v
			}
			y["from"], y["to"] = "runnable", "running"
			return append(l[:i+1:i+1], append([]line{x, y}, l[i+1:]...)...)
		}},
		{"a state swapped", "waiting", func(t *testing.T, l []line) []line {
			i := pick(t, l, to("waiting"))
			l[i]["to"] = "syscall"
			return l
		}},
		{"a wrong parent", "parent", func(t *testing.T, l []line) []line {
			l[pick(t, l, born)]["parent"] = 4242
			return l
		}},
		{"a wrong entry function", "entry function", func(t *testing.T, l []line) []line {
			l[pick(t, l, born)]["func"] = "main.other"
			return l
		}},
		{"a wrong site", "creation site", func(t *testing.T, l []line) []line {
			l[pick(t, l, born)]["site"] = "main.main main.go:1"
			return l
		}},
		{"a wrong reason", "wait reason", func(t *testing.T, l []line) []line {
			l[pick(t, l, to("waiting"))]["reason"] = "IO wait"
			return l
		}},
		{"a wrong waker", "waker", func(t *testing.T, l []line) []line {
			l[pick(t, l, func(x line) bool { return x["waker"] != nil })]["waker"] = 4242
			return l
		}},
		{"a goroutine not seen", "unknown to gtrace", func(t *testing.T, l []line) []line {
			goid := l[pick(t, l, born)]["goid"]
			for i := range l {
				if l[i]["goid"] == goid {
					l[i] = nil
				}
			}
			return l
		}},
		{"a goroutine that is not there", "unknown to the Go tracer", func(t *testing.T, l []line) []line {
			l[pick(t, l, to("waiting"))]["goid"] = 4242
			return l
		}},
		{"a loss", "events lost", func(t *testing.T, l []line) []line {
			return append(l, line{"lost": 5, "cpu": 0, "t0_ns": 1, "t1_ns": 2})
		}},
		{"times off by a tenth", "durations", func(t *testing.T, l []line) []line {
			for i := range l {
				l[i]["t_ns"] = l[i]["t_ns"].(int64) / 10 * 11
			}
			return l
		}},
		{"a word that is no state", "no such state", func(t *testing.T, l []line) []line {
			l[pick(t, l, to("waiting"))]["to"] = "asleep"
			return l
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			ok, report := verdict(t, name, c.spoil(t, told(t, name)))
			if ok || !strings.Contains(report, c.class) {
				t.Errorf("want a mismatch %q, got:\n%s", c.class, report)
			}
		})
	}
}

func TestReasonsOfTheTableFit(t *testing.T) {
	for _, r := range reasons {
		for _, own := range r.own {
			if !reasonFits(r.word, own, false) {
				t.Errorf("%q does not fit %q", own, r.word)
			}
		}
	}
	if reasonFits("sync", "IO wait", false) || reasonFits("", "IO wait", true) {
		t.Error("anything fits")
	}
}

func TestReadsDumps(t *testing.T) {
	name := filepath.Join(t.TempDir(), "dump")
	text := "goroutine 1 [running]:\nmain.main()\n\n" +
		"goroutine 7 [chan receive, 2 minutes, locked to thread]:\nmain.f()\n" +
		"created by main.main in goroutine 1\n\t/x/main.go:3 +0x1d\n\n" +
		"goroutine 8 gp=0xc0000061c0 m=nil [select (no cases)]:\ncreated by main.g\n"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readDump(name)
	if err != nil {
		t.Fatal(err)
	}
	want := []dumped{{1, "running", "", 0}, {7, "chan receive", "main.main", 1},
		{8, "select (no cases)", "main.g", 0}}
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got[i], want[i])
		}
	}
}
