#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Traces of make_golden.py whose events are of the runtime or the kernel, not of a goroutine."""
from make_golden import DELTA, PROCESS, T0, VAR, Trace, event, put_events, table, varint, zigzag


def threads():
    """The kernel's own view: a thread's life, one goroutine on it, and a switch that was not told."""
    t = Trace()
    t.meta()
    sched = lambda dt, cpu, what, tid=7, **more: event(T0 + dt, 0, 0, 0, kind=19, cpu=cpu, tid=tid,
                                                       reason=what, **more)
    on, preempted, sleeps, blocked, stopped, ends, wakes, born = range(1, 9)
    ev = [sched(100_000, 0, born), sched(150_000, 1, on), event(T0 + 160_000, 1, 6, 1, cpu=1),
          event(T0 + 170_000, 1, 1, 2, cpu=1), sched(200_000, 0, sleeps, tid=8),
          sched(300_000, 1, preempted), sched(340_000, 0, on), sched(380_000, 0, blocked),
          sched(390_000, 1, wakes), sched(395_000, 0, on),
          event(T0 + 400_000, 1, 0, 0, kind=20, arg=0x7F0000001000, pc=3),
          sched(450_000, 1, wakes, tid=8), sched(455_000, 1, on, tid=8),
          sched(460_000, 1, stopped, tid=8),
          event(T0 + 500_000, 1, 2, 4, reason=1), sched(520_000, 0, sleeps),
          sched(900_000, 0, wakes), sched(910_000, 0, wakes), sched(950_000, 0, on),
          sched(970_000, 0, preempted), sched(1_000_000, 0, sleeps, flags=8),
          sched(1_010_000, 1, wakes, tid=8), sched(1_015_000, 1, on, tid=8),
          sched(1_040_000, 1, ends, tid=8)]
    put_events(t, ev)
    t.end(T0 + 1_100_000, len(ev))
    return t


def runtime_facts():
    """A collection, as gtrec tells it: two stops of the world, the phases, the heap, GOMAXPROCS."""
    t = Trace()
    t.meta()
    t.block(PROCESS, table([(1, DELTA, 0, [zigzag(1)]), (2, VAR, 0, [varint(71)]), (7, VAR, 0, [varint(13)])]), 1)
    t.say(process={"process": 1, "pid": 71, "start": 0, "seen": 0, "launched": 0, "gomaxprocs": 0, "exe": "", "go": "",
                   "reasons": []})
    of = {"gid": 0, "old": 0, "new": 0, "actor": 3}
    ev = [event(T0 + 5, kind=26, arg=8, **dict(of, actor=0))]
    for at, reason, phase, live in ((100, 2, 1, 4_000_000), (900, 1, 3, 2_000_000)):
        if reason == 1:
            ev += [event(T0 + at - 20, kind=17, reason=2, arg=4_600_000, **of),
                   event(T0 + at - 20, kind=25, arg=5_000_000, **of)]
        ev += [event(T0 + at, kind=24, arg=40, **of), event(T0 + at, kind=16, arg=60, reason=reason, **of),
               event(T0 + at, kind=17, reason=phase, arg=live, **of), event(T0 + at, kind=25, arg=5_000_000, **of)]
    ev += [event(T0 + 950, kind=18, reason=1, p=2, **of)]
    put_events(t, ev)
    t.end(T0 + 1000, len(ev))
    return t


ALL = [threads, runtime_facts]
