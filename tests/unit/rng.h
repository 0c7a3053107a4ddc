/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers that look random and are the same in each run (xorshift64). */
#ifndef RNG_H
#define RNG_H

#include <stdint.h>

static uint64_t rng_state = 42;

static inline uint64_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

#endif
