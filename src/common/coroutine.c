/* SPDX-License-Identifier: MIT */
/*
 * The part of coroutines that no implementation of the switch needs to know: where a coroutine
 * starts, and the words to sanitizers around each transfer. In ordinary builds those are empty,
 * and eddy__coroutine_switch() is one jump to the implementation.
 */
#include "common/coroutine.h"
#include "common/sanitizer.h"
#include "common/switch.h"
#include <assert.h>
#include <stdlib.h>

int eddy__coroutine_init(struct eddy__coroutine *co, struct eddy__stack *stack,
                         eddy__coroutine_entry entry, void *arg)
{
    assert(stack != NULL && entry != NULL);
    co->context = NULL;
    co->stack = stack;
    co->entry = entry;
    co->arg = arg;

    int error = eddy__switch_init(co);
    if (error) {
        return error;
    }
    eddy__sanitizer_init(co);
    return 0;
}

int eddy__coroutine_init_thread(struct eddy__coroutine *co)
{
    co->context = NULL;
    co->stack = NULL;
    co->entry = NULL;
    co->arg = NULL;

    int error = eddy__switch_init_thread(co);
    if (error) {
        return error;
    }
    eddy__sanitizer_init(co);
    return 0;
}

_Noreturn void eddy__coroutine_main(void *co)
{
    struct eddy__coroutine *self = co;

    eddy__sanitizer_arrive(self);
    self->entry(self->arg);
    /* An entry that returns has nowhere to go; going on would run into whatever lies above. */
    abort();
}

void eddy__coroutine_switch(struct eddy__coroutine *from, struct eddy__coroutine *to)
{
    eddy__sanitizer_leave(from, to, false);
    eddy__switch_to(from, to);
    eddy__sanitizer_arrive(from);
}

_Noreturn void eddy__coroutine_exit_to(struct eddy__coroutine *from, struct eddy__coroutine *to)
{
    eddy__sanitizer_leave(from, to, true);
    eddy__switch_exit_to(from, to);
}

void eddy__coroutine_fini(struct eddy__coroutine *co)
{
    eddy__switch_fini(co);
    eddy__sanitizer_fini(co);
    co->context = NULL;
    co->stack = NULL;
}
