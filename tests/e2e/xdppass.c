/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * xdppass IFNAME: attaches an XDP program that passes everything, natively, and leaves it there.
 * veth delivers frames that an XDP program at its other end sends back (XDP_TX) only if it has an
 * XDP program too: with GRO alone the frames are queued, but NAPI is not scheduled (Linux 6.18,
 * veth_xdp_flush()). Hardware does not need this.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	unsigned ifindex;
	int fd, err;

	if (argc != 2) {
		fprintf(stderr, "usage: xdppass IFNAME\n");
		return 2;
	}
	ifindex = if_nametoindex(argv[1]);
	if (!ifindex) {
		perror(argv[1]);
		return 1;
	}
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", pass, 2, NULL);
	if (fd < 0) {
		perror("xdppass: load");
		return 1;
	}
	err = bpf_xdp_attach((int)ifindex, fd, XDP_FLAGS_DRV_MODE, NULL);
	if (err < 0) {
		fprintf(stderr, "xdppass: %s: %s\n", argv[1], strerror(-err));
		return 1;
	}
	return 0;
}
