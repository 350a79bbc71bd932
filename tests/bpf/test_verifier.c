/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The verifier's work for the program, with its limit of a million instructions: recorded, and
 * bounded with a margin, because kernels differ in how often they verify an instruction.
 */
#include "tests/bpf/fixture.h"

#include <bpf/bpf.h>

#include <string.h>
#include <sys/utsname.h>

static void verify_one(
	const struct bpf_program *program, const struct utsname *host, uint32_t value_max)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size), 0);
	print_message("Linux %s, %s, values of up to %u bytes: %u instructions verified, "
		      "%u in the program, %u bytes of machine code\n",
		host->release, bpf_program__name(program), value_max, info.verified_insns,
		info.xlated_prog_len / 8, info.jited_prog_len);
	assert_true(info.verified_insns > 0);
	assert_true(info.verified_insns < VERIFIED_MAX);
}

static void verified(void **state)
{
	static const uint32_t value_max[] = {
		SESSD_INLINE_MAX, SESSD_VALUE_DEFAULT_MAX, SESSD_VALUE_LIMIT};
	struct utsname host;

	(void)state;
	assert_int_equal(uname(&host), 0);
	for (size_t i = 0; i < sizeof(value_max) / sizeof(value_max[0]); i++) {
		struct sessiond_bpf *bpf = fixture_open(value_max[i]);

		assert_int_equal(sessiond_bpf__load(bpf), 0);
		verify_one(bpf->progs.sessiond_xdp, &host, value_max[i]);
		verify_one(bpf->progs.sessiond_skb, &host, value_max[i]);
		sessiond_bpf__destroy(bpf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(verified)};

	fixture_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
