/* SPDX-License-Identifier: BSD-2-Clause */
/* CRC32C: hardware instructions chosen at run time, and the table that needs none. */
#include "crc32c.h"

#include <string.h>

#if defined(__aarch64__)
#include <sys/auxv.h>
#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif
#endif

/* One nibble at a time: 64 bytes of table need no initialisation and no cache. */
static const uint32_t nibble[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
	0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t gt_crc32c_portable(uint32_t crc, const void *p, size_t n)
{
	const uint8_t *b = p;

	crc = ~crc;
	for (size_t i = 0; i < n; i++) {
		crc ^= b[i];
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t hardware(uint32_t crc, const void *p, size_t n)
{
	const uint8_t *b = p;
	uint64_t c = ~crc;

	for (; n >= 8; n -= 8, b += 8) {
		uint64_t v;
		memcpy(&v, b, 8);
		c = __builtin_ia32_crc32di(c, v);
	}
	uint32_t r = (uint32_t)c;
	for (; n; n--, b++)
		r = __builtin_ia32_crc32qi(r, *b);
	return ~r;
}

static int have_hardware(void)
{
	return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__) && defined(__ORDER_LITTLE_ENDIAN__)
__attribute__((target("+crc"))) static uint32_t hardware(uint32_t crc, const void *p, size_t n)
{
	const uint8_t *b = p;

	crc = ~crc;
	for (; n >= 8; n -= 8, b += 8) {
		uint64_t v;
		memcpy(&v, b, 8);
		crc = __builtin_aarch64_crc32cx(crc, v);
	}
	for (; n; n--, b++)
		crc = __builtin_aarch64_crc32cb(crc, *b);
	return ~crc;
}

static int have_hardware(void)
{
	return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}
#else
static uint32_t hardware(uint32_t crc, const void *p, size_t n)
{
	return gt_crc32c_portable(crc, p, n);
}

static int have_hardware(void)
{
	return 0;
}
#endif

uint32_t gt_crc32c(uint32_t crc, const void *p, size_t n)
{
	return have_hardware() ? hardware(crc, p, n) : gt_crc32c_portable(crc, p, n);
}
