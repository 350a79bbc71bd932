/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * To be included before a skeleton that bpftool generated, by each file that opens it. If the
 * generated code is out of memory, it destroys a skeleton without the array of programs or maps.
 * libbpf 1.5 reads the array all the same, and crashes.
 */
#ifndef SESSIOND_COMMON_BPF_SKELETON_H
#define SESSIOND_COMMON_BPF_SKELETON_H

#include <bpf/libbpf.h>

static inline void bpf_skeleton_destroy(struct bpf_object_skeleton *skeleton)
{
	if (skeleton && !skeleton->maps)
		skeleton->map_cnt = 0;
	if (skeleton && !skeleton->progs)
		skeleton->prog_cnt = 0;
	bpf_object__destroy_skeleton(skeleton);
}

#define bpf_object__destroy_skeleton bpf_skeleton_destroy

#endif
