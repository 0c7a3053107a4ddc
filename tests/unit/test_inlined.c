/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a compare-and-swap is probed that the compiler inlined: on the way in and not on a
 * retry, with the values where they are there; or not at all. The code is the assembler's, in the
 * shapes that Go's compiler gives to the loop of casgstatus, and some that it must not get.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "record/golang/inlined.h"

enum { AX, CX, DX, BX };
#define ENTRY 0x401000u

/* clang-format off */
/* what it is about: the jump at 3 */
static const uint8_t loop[] = {
	0x55, /* 0: push rbp */
	0x31, 0xc9, /* 1: xor ecx,ecx */
	0xeb, 0x08, /* 3: jmp d */
	0x48, 0x8b, 0x44, 0x24, 0x30, /* 5: mov rax,[rsp+0x30] */
	0x48, 0xff, 0xc1, /* a: inc rcx */
	0x48, 0x89, 0xc7, /* d: mov rdi,rax */
	0xb8, 0x01, 0x00, 0x00, 0x00, /* 10: mov eax,0x1 */
	0x41, 0xb8, 0x02, 0x00, 0x00, 0x00, /* 15: mov r8d,0x2 */
	0xf0, 0x44, 0x0f, 0xb1, 0x87, 0x90, 0x00, /* 1b: lock cmpxchg [rdi+0x90],r8d */
	0x00, 0x00,
	0x41, 0x0f, 0x94, 0xc1, /* 24: sete r9b */
	0x45, 0x84, 0xc9, /* 28: test r9b,r9b */
	0x74, 0xd8, /* 2b: je 5 */
	0xc3, /* 2d: ret */
};

static const uint8_t around[] = {
	0x31, 0xc9, /* 0: xor ecx,ecx */
	0xeb, 0x08, /* 2: jmp c */
	0x48, 0x8b, 0x44, 0x24, 0x30, /* 4: mov rax,[rsp+0x30] */
	0x48, 0xff, 0xc1, /* 9: inc rcx */
	0x48, 0x89, 0xc7, /* c: mov rdi,rax */
	0xb8, 0x01, 0x00, 0x00, 0x00, /* f: mov eax,0x1 */
	0x41, 0xb8, 0x02, 0x00, 0x00, 0x00, /* 14: mov r8d,0x2 */
	0xf0, 0x44, 0x0f, 0xb1, 0x87, 0x90, 0x00, /* 1a: lock cmpxchg [rdi+0x90],r8d */
	0x00, 0x00,
	0x41, 0x0f, 0x94, 0xc1, /* 23: sete r9b */
	0x45, 0x84, 0xc9, /* 27: test r9b,r9b */
	0x74, 0xd8, /* 2a: je 4 */
	0x48, 0x8b, 0x47, 0x08, /* 2c: mov rax,[rdi+0x8] */
	0x48, 0x85, 0xc0, /* 30: test rax,rax */
	0x74, 0x04, /* 33: je 39 */
	0x31, 0xc9, /* 35: xor ecx,ecx */
	0xeb, 0xd3, /* 37: jmp c */
	0xc3, /* 39: ret */
};

static const uint8_t straight[] = {
	0x48, 0x89, 0xc1, /* 0: mov rcx,rax */
	0x90, /* 3: nop */
	0xb8, 0x03, 0x00, 0x00, 0x00, /* 4: mov eax,0x3 */
	0xba, 0x02, 0x00, 0x00, 0x00, /* 9: mov edx,0x2 */
	0xf0, 0x0f, 0xb1, 0x91, 0x90, 0x00, 0x00, /* e: lock cmpxchg [rcx+0x90],edx */
	0x00,
	0x0f, 0x94, 0xc2, /* 16: sete dl */
	0x84, 0xd2, /* 19: test dl,dl */
	0x75, 0x05, /* 1b: jne 22 */
	0xe8, 0x00, 0x00, 0x00, 0x00, /* 1d: call 22 */
	0xc3, /* 22: ret */
};

static const uint8_t single[] = {
	0x48, 0x39, 0xd8, /* 0: cmp rax,rbx */
	0x74, 0x21, /* 3: je 26 */
	0x48, 0x89, 0xc1, /* 5: mov rcx,rax */
	0xb8, 0x03, 0x00, 0x00, 0x00, /* 8: mov eax,0x3 */
	0xba, 0x02, 0x00, 0x00, 0x00, /* d: mov edx,0x2 */
	0xf0, 0x0f, 0xb1, 0x91, 0x90, 0x00, 0x00, /* 12: lock cmpxchg [rcx+0x90],edx */
	0x00,
	0x0f, 0x94, 0xc2, /* 1a: sete dl */
	0x84, 0xd2, /* 1d: test dl,dl */
	0x75, 0x05, /* 1f: jne 26 */
	0xe8, 0x00, 0x00, 0x00, 0x00, /* 21: call 26 */
	0xc3, /* 26: ret */
};

static const uint8_t cond[] = {
	0x48, 0x85, 0xdb, /* 0: test rbx,rbx */
	0x74, 0x09, /* 3: je e */
	0x31, 0xc9, /* 5: xor ecx,ecx */
	0xeb, 0x05, /* 7: jmp e */
	0x48, 0x8b, 0x44, 0x24, 0x30, /* 9: mov rax,[rsp+0x30] */
	0x48, 0x89, 0xc7, /* e: mov rdi,rax */
	0xb8, 0x01, 0x00, 0x00, 0x00, /* 11: mov eax,0x1 */
	0x41, 0xb8, 0x02, 0x00, 0x00, 0x00, /* 16: mov r8d,0x2 */
	0xf0, 0x44, 0x0f, 0xb1, 0x87, 0x90, 0x00, /* 1c: lock cmpxchg [rdi+0x90],r8d */
	0x00, 0x00,
	0x41, 0x0f, 0x94, 0xc1, /* 25: sete r9b */
	0x45, 0x84, 0xc9, /* 29: test r9b,r9b */
	0x74, 0xdb, /* 2c: je 9 */
	0xc3, /* 2e: ret */
};

static const uint8_t stack[] = {
	0x31, 0xc0, /* 0: xor eax,eax */
	0xeb, 0x05, /* 2: jmp 9 */
	0x48, 0x8b, 0x44, 0x24, 0x40, /* 4: mov rax,[rsp+0x40] */
	0x48, 0x89, 0xc2, /* 9: mov rdx,rax */
	0x48, 0x8b, 0x7c, 0x24, 0x50, /* c: mov rdi,[rsp+0x50] */
	0x89, 0xd8, /* 11: mov eax,ebx */
	0x41, 0xb8, 0x02, 0x00, 0x00, 0x00, /* 13: mov r8d,0x2 */
	0xf0, 0x44, 0x0f, 0xb1, 0x87, 0x90, 0x00, /* 19: lock cmpxchg [rdi+0x90],r8d */
	0x00, 0x00,
	0x41, 0x0f, 0x94, 0xc1, /* 22: sete r9b */
	0x45, 0x84, 0xc9, /* 26: test r9b,r9b */
	0x74, 0xd9, /* 29: je 4 */
	0xc3, /* 2b: ret */
};

static const uint8_t heap[] = {
	0x31, 0xc9, /* 0: xor ecx,ecx */
	0xeb, 0x03, /* 2: jmp 7 */
	0x48, 0xff, 0xc1, /* 4: inc rcx */
	0x48, 0x8b, 0x3a, /* 7: mov rdi,[rdx] */
	0xb8, 0x01, 0x00, 0x00, 0x00, /* a: mov eax,0x1 */
	0x41, 0xb8, 0x02, 0x00, 0x00, 0x00, /* f: mov r8d,0x2 */
	0xf0, 0x44, 0x0f, 0xb1, 0x87, 0x90, 0x00, /* 15: lock cmpxchg [rdi+0x90],r8d */
	0x00, 0x00,
	0x41, 0x0f, 0x94, 0xc1, /* 1e: sete r9b */
	0x45, 0x84, 0xc9, /* 22: test r9b,r9b */
	0x74, 0xdd, /* 25: je 4 */
	0xc3, /* 27: ret */
};

static const uint8_t half[] = {
	0x31, 0xc9, /* 0: xor ecx,ecx */
	0xeb, 0x03, /* 2: jmp 7 */
	0x48, 0xff, 0xc1, /* 4: inc rcx */
	0x89, 0xc7, /* 7: mov edi,eax */
	0xb8, 0x01, 0x00, 0x00, 0x00, /* 9: mov eax,0x1 */
	0x41, 0xb8, 0x02, 0x00, 0x00, 0x00, /* e: mov r8d,0x2 */
	0xf0, 0x44, 0x0f, 0xb1, 0x87, 0x90, 0x00, /* 14: lock cmpxchg [rdi+0x90],r8d */
	0x00, 0x00,
	0x41, 0x0f, 0x94, 0xc1, /* 1d: sete r9b */
	0x45, 0x84, 0xc9, /* 21: test r9b,r9b */
	0x74, 0xde, /* 24: je 4 */
	0xc3, /* 26: ret */
};

static const uint8_t shared[] = {
	0x31, 0xc9, /* 0: xor ecx,ecx */
	0xeb, 0x05, /* 2: jmp 9 */
	0x48, 0x8b, 0x44, 0x24, 0x30, /* 4: mov rax,[rsp+0x30] */
	0x48, 0x89, 0xc7, /* 9: mov rdi,rax */
	0xb8, 0x01, 0x00, 0x00, 0x00, /* c: mov eax,0x1 */
	0x41, 0xb8, 0x02, 0x00, 0x00, 0x00, /* 11: mov r8d,0x2 */
	0xf0, 0x44, 0x0f, 0xb1, 0x87, 0x90, 0x00, /* 17: lock cmpxchg [rdi+0x90],r8d */
	0x00, 0x00,
	0x41, 0x0f, 0x94, 0xc1, /* 20: sete r9b */
	0x45, 0x84, 0xc9, /* 24: test r9b,r9b */
	0x74, 0xdb, /* 27: je 4 */
	0x48, 0x85, 0xdb, /* 29: test rbx,rbx */
	0x74, 0xd6, /* 2c: je 4 */
	0xc3, /* 2e: ret */
};

static const uint8_t table[] = {
	0x31, 0xc9, /* 0: xor ecx,ecx */
	0xeb, 0x05, /* 2: jmp 9 */
	0x48, 0x8b, 0x44, 0x24, 0x30, /* 4: mov rax,[rsp+0x30] */
	0x48, 0x89, 0xc7, /* 9: mov rdi,rax */
	0xb8, 0x01, 0x00, 0x00, 0x00, /* c: mov eax,0x1 */
	0x41, 0xb8, 0x02, 0x00, 0x00, 0x00, /* 11: mov r8d,0x2 */
	0xf0, 0x44, 0x0f, 0xb1, 0x87, 0x90, 0x00, /* 17: lock cmpxchg [rdi+0x90],r8d */
	0x00, 0x00,
	0x41, 0x0f, 0x94, 0xc1, /* 20: sete r9b */
	0x45, 0x84, 0xc9, /* 24: test r9b,r9b */
	0x74, 0xdb, /* 27: je 4 */
	0xff, 0xe2, /* 29: jmp rdx */
};

static const uint8_t fallin[] = {
	0x55, /* 0: push rbp */
	0x48, 0x89, 0x44, 0x24, 0x10, /* 1: mov [rsp+0x10],rax */
	0x48, 0x8b, 0x7c, 0x24, 0x10, /* 6: mov rdi,[rsp+0x10] */
	0xb8, 0x01, 0x00, 0x00, 0x00, /* b: mov eax,0x1 */
	0x41, 0xb8, 0x02, 0x00, 0x00, 0x00, /* 10: mov r8d,0x2 */
	0xf0, 0x44, 0x0f, 0xb1, 0x87, 0x90, 0x00, /* 16: lock cmpxchg [rdi+0x90],r8d */
	0x00, 0x00,
	0x41, 0x0f, 0x94, 0xc1, /* 1f: sete r9b */
	0x45, 0x84, 0xc9, /* 23: test r9b,r9b */
	0x74, 0xde, /* 26: je 6 */
	0xc3, /* 28: ret */
};

static const uint8_t called[] = {
	0x48, 0x89, 0x44, 0x24, 0x10, /* 0: mov [rsp+0x10],rax */
	0xe8, 0x22, 0x00, 0x00, 0x00, /* 5: call 2c */
	0x48, 0x8b, 0x7c, 0x24, 0x10, /* a: mov rdi,[rsp+0x10] */
	0xb8, 0x01, 0x00, 0x00, 0x00, /* f: mov eax,0x1 */
	0x41, 0xb8, 0x02, 0x00, 0x00, 0x00, /* 14: mov r8d,0x2 */
	0xf0, 0x44, 0x0f, 0xb1, 0x87, 0x90, 0x00, /* 1a: lock cmpxchg [rdi+0x90],r8d */
	0x00, 0x00,
	0x41, 0x0f, 0x94, 0xc1, /* 23: sete r9b */
	0x45, 0x84, 0xc9, /* 27: test r9b,r9b */
	0x74, 0xde, /* 2a: je a */
	0xc3, /* 2c: ret */
};

static const uint8_t untested[] = {
	0x48, 0x89, 0xc7, /* 0: mov rdi,rax */
	0xb8, 0x01, 0x00, 0x00, 0x00, /* 3: mov eax,0x1 */
	0x41, 0xb8, 0x02, 0x00, 0x00, 0x00, /* 8: mov r8d,0x2 */
	0xf0, 0x44, 0x0f, 0xb1, 0x87, 0x90, 0x00, /* e: lock cmpxchg [rdi+0x90],r8d */
	0x00, 0x00,
	0xc3, /* 17: ret */
};
/* as loop, but its success leads to where the loop is entered: again for another g */
static const uint8_t again[] = {
	0x31, 0xc9, /* 0: xor ecx,ecx */
	0x48, 0x89, 0xc7, /* 2: mov rdi,rax */
	0xb8, 0x01, 0x00, 0x00, 0x00, /* 5: mov eax,0x1 */
	0x41, 0xb8, 0x02, 0x00, 0x00, 0x00, /* a: mov r8d,0x2 */
	0xf0, 0x44, 0x0f, 0xb1, 0x87, 0x90, 0x00, /* 10: lock cmpxchg [rdi+0x90],r8d */
	0x00, 0x00,
	0x75, 0xe7, /* 19: jne 2 */
	0x74, 0xe5, /* 1b: je 2 */
	0xc3, /* 1d: ret */
};

/* clang-format on */

struct found {
	struct gt_probe_spot spot[GT_MAX_SPOTS];
	uint32_t off[GT_MAX_SPOTS];
	uint32_t n;
	const char *why;
};

/* The spots for the one compare-and-swap in CODE. */
static struct found find(const uint8_t *code, uint32_t size)
{
	struct gt_listing l = { .entry = ENTRY };
	struct found f = { .n = 0 };
	uint32_t cas = UINT32_MAX, off = 0;

	/* of exactly this size, so that a sanitizer sees what is read behind it */
	l.code = malloc(size);
	l.insn = malloc(size * sizeof(*l.insn));
	l.off = malloc((size + 1) * sizeof(*l.off));
	l.mark = malloc(size);
	l.todo = malloc(size * sizeof(*l.todo));
	assert_true(l.code && l.insn && l.off && l.mark && l.todo);
	memcpy(l.code, code, size);
	for (; off < size; off += l.insn[l.n++].len) {
		l.off[l.n] = off;
		assert_true(gt_insn_amd64(l.code + off, size - off, ENTRY + off, &l.insn[l.n]));
		if (l.insn[l.n].op == GT_OP_CMPXCHG)
			cas = l.n;
	}
	assert_int_equal(off, size);
	assert_true(cas < l.n);
	f.n = gt_inlined_spots(&l, cas, f.spot, &f.why);
	for (uint32_t i = 0; i < f.n; i++)
		f.off[i] = l.off[f.spot[i].insn];
	free(l.code);
	free(l.insn);
	free(l.off);
	free(l.mark);
	free(l.todo);
	return f;
}
#define FIND(code) find(code, sizeof(code))

#define AT(place, k, value)                                                                        \
	do {                                                                                       \
		assert_int_equal((place).kind, GT_PLACE_##k);                                      \
		assert_int_equal((place).v, value);                                                \
	} while (0)

static void a_loop_is_probed_at_the_jump_into_it(void **state)
{
	struct found f = FIND(loop);

	(void)state;
	assert_int_equal(f.n, 1);
	assert_int_equal(f.off[0], 3);
	AT(f.spot[0].gp, REG, AX);
	AT(f.spot[0].old, CONST, 1);
	AT(f.spot[0].new, CONST, 2);
}

static void a_loop_around_the_loop_has_a_second_way_in(void **state)
{
	struct found f = FIND(around);

	(void)state;
	assert_int_equal(f.n, 2);
	assert_int_equal(f.off[0], 2);
	assert_int_equal(f.off[1], 0x37);
	AT(f.spot[1].gp, REG, AX);
}

static void without_retries_the_nearest_emulated_instruction_will_do(void **state)
{
	struct found f = FIND(straight);

	(void)state;
	assert_int_equal(f.n, 1);
	assert_int_equal(f.off[0], 3);
	AT(f.spot[0].gp, REG, CX);
	AT(f.spot[0].old, CONST, 3);
	AT(f.spot[0].new, CONST, 2);
}

static void without_an_emulated_instruction_one_is_single_stepped(void **state)
{
	struct found f = FIND(single);

	(void)state;
	assert_int_equal(f.n, 1);
	assert_int_equal(f.off[0], 0xd);
	AT(f.spot[0].gp, REG, CX);
	AT(f.spot[0].old, REG, AX);
	AT(f.spot[0].new, CONST, 2);
}

static void a_loop_that_is_fallen_into_is_probed_before_it(void **state)
{
	struct found f = FIND(fallin);

	(void)state;
	assert_int_equal(f.n, 1);
	assert_int_equal(f.off[0], 0);
	AT(f.spot[0].gp, REG, AX); /* what is stored after the probe */
}

static void values_are_followed_to_the_stack_and_to_registers(void **state)
{
	struct found f = FIND(stack);

	(void)state;
	assert_int_equal(f.n, 1);
	AT(f.spot[0].gp, STACK, 0x50);
	AT(f.spot[0].old, REG, BX);
	AT(f.spot[0].new, CONST, 2);
}

static void what_cannot_be_probed_is_refused(void **state)
{
	(void)state;
	assert_int_equal(FIND(cond).n, 0);   /* a way in that may not be taken */
	assert_int_equal(FIND(heap).n, 0);   /* g comes from memory that others write */
	assert_int_equal(FIND(half).n, 0);   /* half a pointer */
	assert_int_equal(FIND(shared).n, 0); /* one way for a retry and for another round */
	assert_int_equal(FIND(again).n, 0);  /* the same, in one jump */
	assert_int_equal(FIND(called).n, 0); /* a call before it may change the stack */
	assert_string_equal(FIND(called).why,
			    "no instruction before it runs once and shows all values");
	assert_int_equal(FIND(table).n, 0);
	assert_string_equal(FIND(table).why, "its function jumps through a table");
	assert_int_equal(FIND(untested).n, 0);
	assert_string_equal(FIND(untested).why,
			    "what follows the compare-and-swap is not understood");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loop_is_probed_at_the_jump_into_it),
		cmocka_unit_test(a_loop_around_the_loop_has_a_second_way_in),
		cmocka_unit_test(without_retries_the_nearest_emulated_instruction_will_do),
		cmocka_unit_test(without_an_emulated_instruction_one_is_single_stepped),
		cmocka_unit_test(a_loop_that_is_fallen_into_is_probed_before_it),
		cmocka_unit_test(values_are_followed_to_the_stack_and_to_registers),
		cmocka_unit_test(what_cannot_be_probed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
