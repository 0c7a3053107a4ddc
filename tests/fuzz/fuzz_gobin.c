/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as an executable: record/golang must refuse them or answer, within its limits. */
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/gobin_exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct gt_gobin *b = NULL;
	struct gt_err err = { 0 };

	if (fd < 0)
		return 0;
	if (write(fd, data, size) == (ssize_t)size) {
		int rc = gt_gobin_open(&b, fd, "fuzz", &err);

		assert(rc == GT_OK ? b != NULL : b == NULL && err.msg[0] && err.code == rc);
		if (b)
			gt_exercise(b);
	}
	gt_gobin_free(b);
	close(fd);
	return 0;
}
