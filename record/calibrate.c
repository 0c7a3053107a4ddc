/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A child runs into an empty probe as often as it can, and says what CPU time it took with and
 * without: nothing of the target is touched. A target's caches are colder than the child's, and a
 * record is more than nothing: RECORDING is that, as tests/bench/budget measured it.
 */
#include "calibrate.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/wire.h"
#include "bpf/probes.skel.h"
#include "clock.h"

#define HITS	  4000
#define ROUNDS	  5
#define RECORDING 3.2

/* As at a probe's site, an instruction that the kernel emulates. */
void gt_calibrate_site(void);
#if defined(__x86_64__)
__asm__(".pushsection .text\n.globl gt_calibrate_site\n.type gt_calibrate_site, @function\n"
	"gt_calibrate_site:\n\tpush %rbp\n\tpop %rbp\n\tret\n"
	".size gt_calibrate_site, . - gt_calibrate_site\n.popsection");
#else
__asm__(".pushsection .text\n.globl gt_calibrate_site\n.type gt_calibrate_site, @function\n"
	"gt_calibrate_site:\n\tnop\n\tret\n"
	".size gt_calibrate_site, . - gt_calibrate_site\n.popsection");
#endif

/* Where in our executable the site is. */
static int site_offset(uint64_t *ret, struct gt_err *err)
{
	uint64_t at = (uint64_t)(uintptr_t)gt_calibrate_site, lo, hi, off;
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &lo, &hi, &off) == 3 &&
			at >= lo && at < hi;
	if (f)
		(void)fclose(f);
	if (!found)
		return gt_fail(err, GT_IO, "cannot find our own mappings");
	*ret = at - lo + off;
	return GT_OK;
}

/* One round for each byte that comes, the shortest of which is told. */
static void child(int in, int out)
{
	char c;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(in, &c, 1) == 1) {
		uint64_t best = UINT64_MAX;
		for (int r = 0; r < ROUNDS; r++) {
			uint64_t t = gt_clock_ns(CLOCK_THREAD_CPUTIME_ID);
			for (int i = 0; i < HITS; i++)
				gt_calibrate_site();
			t = gt_clock_ns(CLOCK_THREAD_CPUTIME_ID) - t;
			best = t < best ? t : best;
		}
		if (write(out, &best, sizeof(best)) != sizeof(best))
			break;
	}
	_exit(0);
}

static int round_of(int to, int from, uint64_t *ret, struct gt_err *err)
{
	if (write(to, "", 1) == 1 && read(from, ret, sizeof(*ret)) == sizeof(*ret))
		return GT_OK;
	return gt_fail(err, GT_IO, "the child that measures a probe's price has ended");
}

/* *RET: what the child takes with the probe, or more than that the first time (memory, caches). */
static int with_probe(pid_t pid, uint64_t offset, int to, int from, uint64_t *ret,
		      struct gt_err *err)
{
	struct gt_probes *skel = gt_probes__open();
	struct bpf_program *p;
	struct bpf_link *link = NULL;
	int rc = GT_OK;

	if (!skel)
		return gt_fail_errno(err, GT_IO, "cannot open the probe programs");
	bpf_object__for_each_program(p, skel->obj)(void) bpf_program__set_autoload(p, false);
	(void)bpf_program__set_autoload(skel->progs.empty, true);
	int e = gt_probes__load(skel);
	if (!e)
		link = bpf_program__attach_uprobe(skel->progs.empty, false, pid, "/proc/self/exe",
						  offset);
	if (!link) {
		errno = e ? -e : errno;
		rc = gt_fail_errno(err, errno == EPERM || errno == EACCES ? GT_DENIED : GT_IO,
				   "cannot measure what a probe costs");
	}
	if (!rc)
		rc = round_of(to, from, ret, err);
	(void)bpf_link__destroy(link);
	gt_probes__destroy(skel);
	return rc;
}

int gt_calibrate(double *ret_ns, struct gt_err *err)
{
	int to[2], from[2], status;
	uint64_t offset = 0, without = 0, with = 0;
	int rc = site_offset(&offset, err);

	if (rc)
		return rc;
	if (pipe(to))
		return gt_fail_errno(err, GT_IO, "pipe");
	if (pipe(from)) {
		(void)close(to[0]);
		(void)close(to[1]);
		return gt_fail_errno(err, GT_IO, "pipe");
	}
	pid_t pid = fork();
	if (!pid) {
		(void)close(to[1]);
		(void)close(from[0]);
		child(to[0], from[1]);
	}
	(void)close(to[0]);
	(void)close(from[1]);
	if (pid < 0)
		rc = gt_fail_errno(err, GT_IO, "fork");
	if (!rc)
		rc = round_of(to[1], from[0], &without, err);
	if (!rc)
		rc = with_probe(pid, offset, to[1], from[0], &with, err);
	(void)close(to[1]);
	(void)close(from[0]);
	if (pid > 0)
		(void)waitpid(pid, &status, 0);
	if (!rc && with <= without)
		rc = gt_fail(err, GT_IO,
			     "a probe seems to cost nothing here: its price cannot be measured");
	if (!rc)
		*ret_ns = RECORDING * (double)(with - without) / HITS;
	return rc;
}
