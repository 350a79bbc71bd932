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

/* Odd, with its bits well spread (the golden ratio's). A product carries its factor's bits upwards
 * only, so the reader is taken of the uppermost bits, which every bit of the key reaches. */
#define MULTIPLIER 0x9e3779b1U

/* No reader has this number; the kernel then chooses by its own hash of addresses and ports. */
#define NOBODY UINT32_MAX

/* Classic BPF, which takes no privilege: the program sees the UDP payload. All 32 bytes count,
 * because there are terminators whose session ids begin alike, and short ones end in zeros. */
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
