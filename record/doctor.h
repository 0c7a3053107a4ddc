/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two subcommands of gtrec that record nothing: `gtrec list` and `gtrec doctor`. They
 * print to stdout and give the exit status; argv[0] is the subcommand's name.
 */
#ifndef GT_DOCTOR_H
#define GT_DOCTOR_H

int gt_list_main(int argc, char **argv);
/* 0: this host (and target) can be traced; 4: not, and the lines say why and what to do. */
int gt_doctor_main(int argc, char **argv);

#endif
