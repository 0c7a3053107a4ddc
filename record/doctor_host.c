/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gtrec doctor: what this kernel and these rights allow. Where possible the thing itself is
 * tried (a ring buffer, a probe on ourselves) rather than its preconditions listed.
 */
#include "doctor_impl.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kernel.h"
#include "priv.h"

#define KERNEL(a, b) ((a) << 16 | (b) << 8)

/* The first line of a small file; false: not there or not readable. */
static bool first_line(const char *path, char *buf, size_t n)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(buf, (int)n, f);

	if (f)
		(void)fclose(f);
	if (ok)
		buf[strcspn(buf, "\n")] = 0;
	return ok;
}

static void check_kernel(struct gt_doctor *d)
{
	unsigned v = gt_kernel_version();
	struct utsname u;

	if (uname(&u))
		return;
	if (v < KERNEL(5, 8))
		gt_doctor_say(d, GT_DOC_FAIL, "kernel",
			      "Linux 5.8 or newer is needed (ring buffer, CAP_BPF)", "%s",
			      u.release);
	else if (v < KERNEL(6, 1))
		gt_doctor_say(d, GT_DOC_WARN, "kernel", "6.1 or newer is recommended", "%s",
			      u.release);
	else
		gt_doctor_say(d, GT_DOC_OK, "kernel", NULL, "%s", u.release);
	if (strcmp(u.machine, "x86_64") && strcmp(u.machine, "aarch64"))
		gt_doctor_say(d, GT_DOC_FAIL, "machine", "amd64 and arm64 are handled", "%s",
			      u.machine);
	else
		gt_doctor_say(d, GT_DOC_OK, "machine", NULL, "%s, %ld CPUs online", u.machine,
			      sysconf(_SC_NPROCESSORS_ONLN));
}

static void check_rights(struct gt_doctor *d)
{
	struct gt_err err;
	char mode[128], paranoid[32] = "not there";

	if (gt_priv_check(GT_PRIV_ATTACH, &err))
		gt_doctor_say(d, GT_DOC_FAIL, "rights", "run it with sudo", "%s", err.msg);
	else
		gt_doctor_say(d, GT_DOC_OK, "rights", NULL, "CAP_BPF, CAP_PERFMON or root");
	if (gt_priv_check(GT_PRIV_READ, &err))
		gt_doctor_say(d, GT_DOC_WARN, "ptrace",
			      "without it only your own processes can be traced", "%s", err.msg);
	else
		gt_doctor_say(d, GT_DOC_OK, "ptrace", NULL,
			      "CAP_SYS_PTRACE: everybody's processes");
	(void)first_line("/proc/sys/kernel/perf_event_paranoid", paranoid, sizeof(paranoid));
	if (d->verbose)
		gt_doctor_say(d, GT_DOC_OK, "paranoid", NULL,
			      "kernel.perf_event_paranoid = %s (does not bind CAP_PERFMON)",
			      paranoid);
	if (first_line("/sys/kernel/security/lockdown", mode, sizeof(mode)) &&
	    strstr(mode, "[confidentiality]"))
		gt_doctor_say(d, GT_DOC_WARN, "lockdown",
			      "if the probe below fails: boot with lockdown=integrity or none",
			      "%s", mode);
	else if (d->verbose)
		gt_doctor_say(d, GT_DOC_OK, "lockdown", NULL, "does not bind probes");
	if (!gt_pidns_initial())
		gt_doctor_say(d, GT_DOC_WARN, "namespace",
			      "threads are joined through the goroutines that run on them",
			      "gtrec is inside a pid namespace");
}

static void check_memlock(struct gt_doctor *d)
{
	struct rlimit r;

	if (gt_kernel_version() >= KERNEL(5, 11)) {
		if (d->verbose)
			gt_doctor_say(d, GT_DOC_OK, "memlock", NULL,
				      "this kernel does not charge it for BPF");
		return;
	}
	if (!getrlimit(RLIMIT_MEMLOCK, &r) && r.rlim_max == RLIM_INFINITY)
		gt_doctor_say(d, GT_DOC_OK, "memlock", NULL, "unlimited");
	else
		gt_doctor_say(d, GT_DOC_WARN, "memlock", "ulimit -l unlimited, or CAP_SYS_RESOURCE",
			      "locked memory is limited, and this kernel charges BPF to it");
}

static const char *why_refused(int e)
{
	switch (e) {
	case EPERM:
	case EACCES:
		return "need root; in a container also: --privileged, or --cap-add "
		       "BPF,PERFMON,SYS_PTRACE "
		       "and a seccomp profile that allows bpf() and perf_event_open()";
	case ENOSYS:
		return "the kernel was built without it (CONFIG_BPF_SYSCALL, CONFIG_UPROBES), or a "
		       "sandbox hides it";
	case EINVAL: return "the kernel is too old, or was built without it";
	case ENOMEM: return "more memory, or a higher limit of the memory control group";
	default: return "see dmesg";
	}
}

static void check_ring(struct gt_doctor *d)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "gt_doctor", 0, 0,
				(unsigned)sysconf(_SC_PAGESIZE), NULL);

	if (fd < 0) {
		gt_doctor_say(d, GT_DOC_FAIL, "ring buffer", why_refused(errno),
			      "cannot be made: %s", strerror(errno));
		return;
	}
	close(fd);
	gt_doctor_say(d, GT_DOC_OK, "ring buffer", NULL, "can be made");
}

/* A function of our own to put a probe on, and where it lies in our file. */
__attribute__((noinline)) static void probe_me(void)
{
	__asm__ volatile("");
}

static bool own_offset(uint64_t *ret)
{
	uint64_t at = (uint64_t)(uintptr_t)probe_me;
	char line[512];
	bool found = false;
	FILE *f = fopen("/proc/self/maps", "re");

	while (f && !found && fgets(line, sizeof(line), f)) {
		unsigned long long start, end, off;
		if (sscanf(line, "%llx-%llx %*s %llx", &start, &end, &off) == 3 && at >= start &&
		    at < end) {
			*ret = at - start + off;
			found = true;
		}
	}
	if (f)
		(void)fclose(f);
	return found;
}

static int open_uprobe(int type, uint64_t offset)
{
	struct perf_event_attr attr = { .size = sizeof(attr), .type = (unsigned)type };

	attr.config1 = (uint64_t)(uintptr_t) "/proc/self/exe";
	attr.config2 = offset;
	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* A probe on ourselves, the way gtrec puts them. */
static void try_probe(struct gt_doctor *d, int type)
{
	struct bpf_insn prog[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	uint64_t offset;
	const char *step = "load a program";
	int pfd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "gt_doctor", "Dual BSD/GPL", prog, 2, NULL);
	int efd = -1, e = errno;

	if (pfd >= 0 && own_offset(&offset)) {
		step = "open a uprobe";
		efd = open_uprobe(type, offset);
		e = errno;
	}
	if (efd >= 0) {
		step = "attach the program to the uprobe";
		e = ioctl(efd, PERF_EVENT_IOC_SET_BPF, pfd) || ioctl(efd, PERF_EVENT_IOC_ENABLE, 0)
			    ? errno
			    : 0;
		if (!e)
			probe_me();
	}
	if (efd >= 0)
		close(efd);
	if (pfd >= 0)
		close(pfd);
	if (e)
		gt_doctor_say(d, GT_DOC_FAIL, "probe", why_refused(e), "cannot %s: %s", step,
			      strerror(e));
	else
		gt_doctor_say(d, GT_DOC_OK, "probe", NULL, "a probe on gtrec itself works");
}

static void check_probe(struct gt_doctor *d)
{
	char type[32], *end;
	long n = -1;

	if (first_line("/sys/bus/event_source/devices/uprobe/type", type, sizeof(type)))
		n = strtol(type, &end, 10);
	if (n < 0) {
		gt_doctor_say(d, GT_DOC_FAIL, "uprobes",
			      "a kernel with CONFIG_UPROBE_EVENTS; in a container: mount /sys",
			      "no /sys/bus/event_source/devices/uprobe");
		return;
	}
	if (d->verbose)
		gt_doctor_say(d, GT_DOC_OK, "uprobes", NULL, "perf event type %ld", n);
	try_probe(d, (int)n);
}

static void check_jit(struct gt_doctor *d)
{
	char v[32];

	if (!first_line("/proc/sys/net/core/bpf_jit_enable", v, sizeof(v)))
		gt_doctor_say(d, GT_DOC_OK, "JIT", NULL, "not told by this kernel");
	else if (*v == '0')
		gt_doctor_say(d, GT_DOC_WARN, "JIT", "sysctl net.core.bpf_jit_enable=1",
			      "off: each event costs the target several times as much");
	else
		gt_doctor_say(d, GT_DOC_OK, "JIT", NULL, "on");
}

static void check_kernel_view(struct gt_doctor *d)
{
	struct gt_err err;

	if (gt_kernel_check(GT_KERNEL_GROUPS, &err))
		gt_doctor_say(d, GT_DOC_WARN, "BTF", "nothing else needs them",
			      "no --events=sched, fault: the kernel has no types (BTF)");
	else
		gt_doctor_say(d, GT_DOC_OK, "BTF", NULL,
			      "present: --events=sched, fault can be had");
}

void gt_doctor_host(struct gt_doctor *d)
{
	(void)libbpf_set_print(NULL);
	check_kernel(d);
	check_rights(d);
	check_memlock(d);
	check_ring(d);
	check_probe(d);
	check_jit(d);
	check_kernel_view(d);
}
