/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/socket/steer.h"

#include <sessiond/protocol.h>

#include <errno.h>
#include <linux/filter.h>
#include <stdint.h>
#include <sys/socket.h>

#define KEY_WORDS (SESSD_KEY_SIZE / 4)

/* Odd, with well-spread bits (2^32 divided by the golden ratio). Multiplication carries bits
 * upwards only, so the uppermost bits, which every bit of the key affects, select the reader. */
#define MULTIPLIER 0x9e3779b1U

/* Not a reader's index: the kernel then uses its hash of addresses and ports. */
#define NOBODY UINT32_MAX

/* Classic BPF, which needs no privilege, on the UDP payload. All 32 bytes of the key count, because
 * some terminators' session ids begin alike, and short ones end in zeros. */
int steer_by_key(int fd, unsigned readers)
{
	struct sock_filter code[4 + 4 * KEY_WORDS + 4];
	struct sock_fprog program = {.filter = code};
	unsigned n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0);
	code[n++] =
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SESSD_HEADER_SIZE, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, NOBODY);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LDX | BPF_IMM, 0);
	for (unsigned i = 0; i < KEY_WORDS; i++) {
		unsigned at = __builtin_offsetof(struct sessd_header, key) + 4 * i;

		/* X = (X ^ word) * MULTIPLIER */
		code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, MULTIPLIER);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_MISC | BPF_TAX, 0);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, readers);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	program.len = (unsigned short)n;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) < 0)
		return -errno;
	return 0;
}
