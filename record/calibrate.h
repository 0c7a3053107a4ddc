/* SPDX-License-Identifier: BSD-2-Clause */
/* What one hit of a probe costs on this host. */
#ifndef GT_CALIBRATE_H
#define GT_CALIBRATE_H

#include <stdint.h>

#include "format/base/err.h"

/*
 * gt_calibrate: *ret_ns is what one hit of a recording probe takes of the target's CPU time: the
 * trap, measured with an empty program in a child of ours, times what recording takes more. Needs
 * the same rights as attaching. Forks: call it before threads are started. Takes some 100 ms.
 */
int gt_calibrate(double *ret_ns, struct gt_err *err) GT_MUST_CHECK;

#endif
