/* SPDX-License-Identifier: Apache-2.0
 *
 * See power.h. */
#include "harness/power.h"

enum assay_status assay_power_open(struct assay_power *power, uint32_t budget_w, const struct assay_device *devices,
                                   uint32_t count, struct assay_telemetry *telemetry, struct assay_error *error)
{
	*power = (struct assay_power){.budget_w = budget_w};
	pthread_mutex_init(&power->lock, NULL);
	pthread_cond_init(&power->changed, NULL);
	for (uint32_t d = 0; budget_w && d < count; d++) {
		int64_t limit_mw = assay_telemetry_power_limit(telemetry, d);
		if (limit_mw < 0)
			return assay_fail(error, ASSAY_ERROR_INPUT, "plan.power",
			                  "--power-budget: the power limit of %s is not told here; start devices apart "
			                  "instead (--stagger)",
			                  devices[d].id);
		if (limit_mw > INT64_C(1000) * budget_w)
			return assay_fail(error, ASSAY_ERROR_INPUT, "plan.power",
			                  "--power-budget %u: %s alone may draw %lld W; give it that much, or leave it "
			                  "out (-d)",
			                  budget_w, devices[d].id, (long long)(limit_mw + 999) / 1000);
		power->limits_mw[d] = (uint64_t)limit_mw;
	}
	return ASSAY_OK;
}

enum assay_status assay_power_check(uint32_t budget_w, const struct assay_device *devices, uint32_t count,
                                    struct assay_error *error)
{
	struct assay_power power;

	if (!budget_w)
		return ASSAY_OK;
	struct assay_telemetry *telemetry = assay_telemetry_start(devices, count, NULL);
	enum assay_status status = assay_power_open(&power, budget_w, devices, count, telemetry, error);
	assay_power_close(&power);
	assay_telemetry_stop(telemetry);
	return status;
}

void assay_power_enter(struct assay_power *power, uint32_t device)
{
	if (!power->budget_w)
		return;
	pthread_mutex_lock(&power->lock);
	const uint64_t ticket = power->ticket++;
	while (power->serving != ticket || power->used_mw + power->limits_mw[device] > UINT64_C(1000) * power->budget_w)
		pthread_cond_wait(&power->changed, &power->lock);
	power->serving++;
	power->used_mw += power->limits_mw[device];
	pthread_cond_broadcast(&power->changed);
	pthread_mutex_unlock(&power->lock);
}

void assay_power_leave(struct assay_power *power, uint32_t device)
{
	if (!power->budget_w)
		return;
	pthread_mutex_lock(&power->lock);
	power->used_mw -= power->limits_mw[device];
	pthread_cond_broadcast(&power->changed);
	pthread_mutex_unlock(&power->lock);
}

void assay_power_close(struct assay_power *power)
{
	pthread_mutex_destroy(&power->lock);
	pthread_cond_destroy(&power->changed);
}
