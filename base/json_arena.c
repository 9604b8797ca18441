/* SPDX-License-Identifier: MIT */
#include "base/json_arena.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Values of a record of 30 KB take some 300 KB. */
enum { ROOM = 1 << 20 };

/* The address sanitizer sees values that are used too late only where they are apart. */
#ifdef __SANITIZE_ADDRESS__
enum { WATCHED = 1 };
#else
enum { WATCHED = 0 };
#endif

static _Thread_local struct {
    char *bytes; /* NULL: closed */
    size_t used;
    bool loading;
} arena;

static void *take(size_t size)
{
    size_t align = _Alignof(max_align_t);
    size_t taken = (size + align - 1) / align * align;
    if (!arena.loading || size > ROOM || taken > ROOM - arena.used)
        return malloc(size);
    void *memory = arena.bytes + arena.used;
    arena.used += taken;
    return memory;
}

static void give_back(void *memory)
{
    uintptr_t at = (uintptr_t)memory;
    uintptr_t begin = (uintptr_t)arena.bytes;
    if (arena.bytes == NULL || at < begin || at >= begin + ROOM)
        free(memory);
}

bool ipm_json_arena_open(void)
{
    if (WATCHED || arena.bytes != NULL)
        return false;
    arena.bytes = malloc(ROOM);
    arena.used = 0;
    json_set_alloc_funcs(take, give_back);
    return arena.bytes != NULL;
}

json_t *ipm_json_arena_load(const char *text, size_t length, size_t flags,
                            json_error_t *out_problem)
{
    arena.used = 0;
    arena.loading = arena.bytes != NULL;
    json_t *value = json_loadb(text, length, flags, out_problem);
    arena.loading = false;
    return value;
}

void ipm_json_arena_close(void)
{
    free(arena.bytes);
    arena.bytes = NULL;
}
