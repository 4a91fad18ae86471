/* SPDX-License-Identifier: Apache-2.0
 *
 * See group.h. */
#include "harness/test/group.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <ucontext.h>

enum { STACK_BYTES = 32 << 10, CANARY = 0x5a };
enum state { RUNS, AT_BARRIER, AT_INSTRUCTION, ENDED };

/* Where something goes on. swapcontext() would ask the system twice a switch; and a sanitizer has a longjmp() of its
 * own that knows no stacks but those of threads: so gcc's, in a file without sanitizers. Clang's lose registers. */
#ifdef __clang__
typedef jmp_buf place;
#define place_set _setjmp
#define place_leave _longjmp
#else
typedef void *place[5];
#define place_set __builtin_setjmp
#define place_leave __builtin_longjmp
#endif

struct item {
	ucontext_t start; /* then `here` */
	bool started;
	place here;
	enum state state;
	group_instruction *instruction;
	void *part;
};

struct group {
	struct item items[GROUP_ITEMS_MAX];
	place scheduler;
	enum group_order order;
	uint32_t count, wave, current;
	uint32_t turn; /* all whose turn is before this one wait */
	void (*function)(void *, uint32_t);
	void *context;
};

/* Of this thread; read once a call, because that is slow in a library. */
static _Thread_local struct group *running;

uint32_t group_item(void)
{
	return running->current;
}

/* Apart, because a function that also sets a place would not expect to go on there. */
__attribute__((noinline)) _Noreturn static void go_to(place there)
{
	place_leave(there, 1);
}

__attribute__((noinline)) static void wait_as(struct group *group, enum state state)
{
	struct item *item = &group->items[group->current];

	item->state = state;
	if (place_set(item->here) == 0)
		go_to(group->scheduler);
}

/* The current item goes on until it waits or ends. */
__attribute__((noinline)) static void go_on(struct group *group)
{
	struct item *item = &group->items[group->current];

	if (place_set(group->scheduler) != 0)
		return;
	if (item->started)
		go_to(item->here);
	item->started = true;
	setcontext(&item->start);
}

void group_barrier(void)
{
	wait_as(running, AT_BARRIER);
}

/* The item whose turn it is, and its inverse. */
static uint32_t item_of(const struct group *group, uint32_t turn)
{
	return group->order == GROUP_FIRST ? turn : group->count - 1 - turn;
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
		if (item_of(group, i) < group->turn)
			group->turn = item_of(group, i);
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
	getcontext(&item->start);
	stack[0] = CANARY;
	item->start.uc_stack.ss_sp = stack;
	item->start.uc_stack.ss_size = STACK_BYTES;
	item->start.uc_link = NULL;
	item->state = RUNS;
	makecontext(&item->start, entry, 0);
}

/* The next item that can run; `count` when there is none. */
static uint32_t next(struct group *group)
{
	while (group->turn < group->count && group->items[item_of(group, group->turn)].state != RUNS)
		group->turn++;
	return group->turn < group->count ? item_of(group, group->turn) : group->count;
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
	group->order = order;
	group->wave = wave;
	group->function = function;
	group->context = context;
	for (uint32_t i = 0; i < items; i++)
		prepare(&group->items[i], stacks + (size_t)i * STACK_BYTES);
	for (;;) {
		group->current = next(group);
		if (group->current < items) {
			go_on(group);
			continue;
		}
		if (!all(group, 0, items, AT_BARRIER))
			break;
		for (uint32_t i = 0; i < items; i++)
			group->items[i].state = RUNS;
		group->turn = 0;
	}
	for (uint32_t i = 0; i < items; i++)
		if (stacks[(size_t)i * STACK_BYTES] != CANARY)
			abort();
	free(stacks);
	bool ended = all(group, 0, items, ENDED);
	free(group);
	return ended;
}
