/* SPDX-License-Identifier: Apache-2.0
 *
 * See group.h. */
#include "harness/test/group.h"

#include <stdbool.h>
#include <stdlib.h>
#include <ucontext.h>

enum { STACK_BYTES = 128 << 10 };
enum state { RUNS, AT_BARRIER, AT_INSTRUCTION, ENDED };

struct item {
	ucontext_t context;
	enum state state;
	group_instruction *instruction;
	void *part;
};

static _Thread_local struct {
	struct item items[GROUP_ITEMS_MAX];
	ucontext_t scheduler;
	uint32_t count, wave, current;
	void (*function)(void *, uint32_t);
	void *context;
} group;

uint32_t group_item(void)
{
	return group.current;
}

static void wait_as(enum state state)
{
	struct item *item = &group.items[group.current];

	item->state = state;
	swapcontext(&item->context, &group.scheduler);
}

void group_barrier(void)
{
	wait_as(AT_BARRIER);
}

/* Whether all of these items are in this state. */
static bool all(uint32_t first, uint32_t end, enum state state)
{
	while (first < end && group.items[first].state == state)
		first++;
	return first == end;
}

void group_wave(group_instruction *instruction, void *part)
{
	uint32_t first = group.current / group.wave * group.wave, end = first + group.wave;
	void *parts[GROUP_WAVE_MAX];

	group.items[group.current].instruction = instruction;
	group.items[group.current].part = part;
	group.items[group.current].state = AT_INSTRUCTION;
	if (!all(first, end, AT_INSTRUCTION)) {
		wait_as(AT_INSTRUCTION);
		return;
	}
	/* The last lane to come does it for all. */
	for (uint32_t i = first; i < end; i++) {
		if (group.items[i].instruction != instruction)
			abort();
		parts[i - first] = group.items[i].part;
		group.items[i].state = RUNS;
	}
	instruction(parts);
}

static void entry(void)
{
	group.function(group.context, group.current);
	wait_as(ENDED);
}

/* Apart, because getcontext might return twice. */
__attribute__((noinline)) static void prepare(struct item *item, char *stack)
{
	getcontext(&item->context);
	item->context.uc_stack.ss_sp = stack;
	item->context.uc_stack.ss_size = STACK_BYTES;
	item->context.uc_link = NULL;
	item->state = RUNS;
	makecontext(&item->context, entry, 0);
}

/* The next item that can run; `count` when there is none. */
static uint32_t next(enum group_order order)
{
	for (uint32_t i = 0; i < group.count; i++) {
		uint32_t item = order == GROUP_FIRST ? i : group.count - 1 - i;
		if (group.items[item].state == RUNS)
			return item;
	}
	return group.count;
}

_Bool group_run(void (*function)(void *, uint32_t), void *context, uint32_t items, uint32_t wave,
                enum group_order order)
{
	char *stacks = malloc((size_t)items * STACK_BYTES);

	if (!stacks || items > GROUP_ITEMS_MAX || wave > GROUP_WAVE_MAX || items % wave)
		abort();
	group.count = items;
	group.wave = wave;
	group.function = function;
	group.context = context;
	for (uint32_t i = 0; i < items; i++)
		prepare(&group.items[i], stacks + (size_t)i * STACK_BYTES);
	for (;;) {
		group.current = next(order);
		if (group.current < items)
			swapcontext(&group.scheduler, &group.items[group.current].context);
		else if (all(0, items, AT_BARRIER))
			for (uint32_t i = 0; i < items; i++)
				group.items[i].state = RUNS;
		else
			break;
	}
	free(stacks);
	return all(0, items, ENDED);
}
