/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "bench/zipf.h"

#include <math.h>

#include "bench/population.h"

uint64_t random_next(uint64_t *state)
{
	return mix64(*state += POPULATION_GOLDEN);
}

/* (e^x - 1) / x and log(1 + x) / x, accurate near 0, so that an exponent of 1 is no special
 * case. */
static double expm1_over(double x)
{
	return fabs(x) > 1e-8 ? expm1(x) / x : 1 + x / 2;
}

static double log1p_over(double x)
{
	return fabs(x) > 1e-8 ? log1p(x) / x : 1 - x / 2;
}

/* The integral of x^-exponent, and its inverse. */
static double integral(const struct zipf *zipf, double x)
{
	double l = log(x);

	return expm1_over((1 - zipf->exponent) * l) * l;
}

static double integral_inverse(const struct zipf *zipf, double y)
{
	double t = y * (1 - zipf->exponent);

	return exp(log1p_over(t < -1 ? -1 : t) * y);
}

static double density(const struct zipf *zipf, double x)
{
	return exp(-zipf->exponent * log(x));
}

void zipf_init(struct zipf *zipf, uint64_t n, double exponent)
{
	zipf->n = n;
	zipf->exponent = exponent;
	zipf->low = integral(zipf, 1.5) - 1;
	zipf->high = integral(zipf, (double)n + 0.5);
	zipf->shortcut = 2 - integral_inverse(zipf, integral(zipf, 2.5) - density(zipf, 2));
}

uint64_t zipf_next(const struct zipf *zipf, uint64_t *random_state)
{
	for (;;) {
		double u = (double)(random_next(random_state) >> 11) * 0x1p-53;
		double area = zipf->high + u * (zipf->low - zipf->high);
		double x = integral_inverse(zipf, area);
		double k = floor(x + 0.5);

		if (k < 1)
			k = 1;
		else if (k > (double)zipf->n)
			k = (double)zipf->n;
		if (k - x <= zipf->shortcut || area >= integral(zipf, k + 0.5) - density(zipf, k))
			return (uint64_t)k - 1;
	}
}
