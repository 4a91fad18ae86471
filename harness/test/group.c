/* SPDX-License-Identifier: Apache-2.0
 *
 * See group.h. */
#include "harness/test/group.h"

#include <stdbool.h>
#include <stdlib.h>
#include <ucontext.h>

/* A sanitizer clears the whole of a stack at each switch. */
enum { STACK_BYTES = 32 << 10, CANARY = 0x5a };
enum state { RUNS, AT_BARRIER, AT_INSTRUCTION, ENDED };

struct item {
	ucontext_t context;
	enum state state;
	group_instruction *instruction;
	void *part;
};

struct group {
	struct item items[GROUP_ITEMS_MAX];
	ucontext_t scheduler;
	uint32_t count, wave, current;
	void (*function)(void *, uint32_t);
	void *context;
};

/* Of this thread; read once a call, because that is slow in a library. */
static _Thread_local struct group *running;

uint32_t group_item(void)
{
	return running->current;
}

static void wait_as(struct group *group, enum state state)
{
	struct item *item = &group->items[group->current];

	item->state = state;
	swapcontext(&item->context, &group->scheduler);
}

void group_barrier(void)
{
	wait_as(running, AT_BARRIER);
}

/* Whether all of these items are in this state. */
static bool all(const struct group *group, uint32_t first, uint32_t end, enum state state)
{
	while (first < end && group->items[first].state == state)
		first++;
	return first == end;
}

void group_wave(group_instruction *instruction, void *part)
{
	struct group *group = running;
	uint32_t first = group->current / group->wave * group->wave, end = first + group->wave;
	void *parts[GROUP_WAVE_MAX];

	group->items[group->current].instruction = instruction;
	group->items[group->current].part = part;
	group->items[group->current].state = AT_INSTRUCTION;
	if (!all(group, first, end, AT_INSTRUCTION)) {
		wait_as(group, AT_INSTRUCTION);
		return;
	}
	/* The last lane to come does it for all. */
	for (uint32_t i = first; i < end; i++) {
		if (group->items[i].instruction != instruction)
			abort();
		parts[i - first] = group->items[i].part;
		group->items[i].state = RUNS;
	}
	instruction(parts);
}

static void entry(void)
{
	struct group *group = running;

	group->function(group->context, group->current);
	wait_as(group, ENDED);
}

/* Apart, because getcontext might return twice. */
__attribute__((noinline)) static void prepare(struct item *item, char *stack)
{
	getcontext(&item->context);
	stack[0] = CANARY;
	item->context.uc_stack.ss_sp = stack;
	item->context.uc_stack.ss_size = STACK_BYTES;
	item->context.uc_link = NULL;
	item->state = RUNS;
	makecontext(&item->context, entry, 0);
}

/* The next item that can run; `count` when there is none. */
static uint32_t next(const struct group *group, enum group_order order)
{
	for (uint32_t i = 0; i < group->count; i++) {
		uint32_t item = order == GROUP_FIRST ? i : group->count - 1 - i;
		if (group->items[item].state == RUNS)
			return item;
	}
	return group->count;
}

_Bool group_run(void (*function)(void *, uint32_t), void *context, uint32_t items, uint32_t wave,
                enum group_order order)
{
	char *stacks = malloc((size_t)items * STACK_BYTES);
	struct group *group = calloc(1, sizeof *group);

	running = group;
	if (!stacks || !group || items > GROUP_ITEMS_MAX || wave > GROUP_WAVE_MAX || items % wave)
		abort();
	group->count = items;
	group->wave = wave;
	group->function = function;
	group->context = context;
	for (uint32_t i = 0; i < items; i++)
		prepare(&group->items[i], stacks + (size_t)i * STACK_BYTES);
	for (;;) {
		group->current = next(group, order);
		if (group->current < items)
			swapcontext(&group->scheduler, &group->items[group->current].context);
		else if (all(group, 0, items, AT_BARRIER))
			for (uint32_t i = 0; i < items; i++)
				group->items[i].state = RUNS;
		else
			break;
	}
	for (uint32_t i = 0; i < items; i++)
		if (stacks[(size_t)i * STACK_BYTES] != CANARY)
			abort();
	free(stacks);
	bool ended = all(group, 0, items, ENDED);
	free(group);
	return ended;
}
