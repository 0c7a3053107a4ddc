/* SPDX-License-Identifier: BSD-2-Clause */
/* What the names of Go functions and files are made of, as far as replacing them needs it. */
#ifndef GT_REDACT_NAME_H
#define GT_REDACT_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define GT_RN_MAX 1024u /* bytes of a name that is made; longer ones become "" */

/* gt_rn_is_std: Go's own; SAID is what the trace says. The runtime always is. */
bool gt_rn_is_std(const char *func, bool said);
/* gt_rn_package: bytes of FUNC's package path. */
size_t gt_rn_package(const char *func);
/*
 * gt_rn_base: bytes of FUNC without what the compiler has put behind it: .func1, .gowrap2, -fm,
 * -range1. What is behind tells nothing, but which closure it is.
 */
size_t gt_rn_base(const char *func);
/* gt_rn_suffix: ".go", ".s", ".c" of a file, else "". */
const char *gt_rn_suffix(const char *file);
/* gt_rn_is_made: TEXT is a name as redaction gives them, or a remark of gtexport's own. */
bool gt_rn_is_made(const char *text);
/* gt_rn_std_func: without the type arguments, which may be the program's. */
void gt_rn_std_func(const char *func, char to[GT_RN_MAX]);
/* gt_rn_std_file: where the file lies in Go's tree, not where that tree lies. */
void gt_rn_std_file(const char *func, const char *file, char to[GT_RN_MAX]);

#endif
