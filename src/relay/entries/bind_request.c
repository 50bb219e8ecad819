#include "relay/entries/bind_request.h"

#include <unistd.h>

#include "base/mem.h"

struct bind_entry *bind_entries_add(struct bind_entries *e)
{
    ASSERT(e->count < BIND_ENTRIES_MAX);
    e->items = mem_resize(e->items, (e->count + 1) * sizeof *e->items);
    e->items[e->count] = (struct bind_entry){0};
    return &e->items[e->count++];
}

void bind_entries_copy(struct bind_entries *to, const struct bind_entries *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct bind_entry *e = &from->items[i];
        *bind_entries_add(to) = (struct bind_entry){
            .name = mem_strdup(e->name),
            .shown = mem_strdup(e->shown),
            .host = e->host ? mem_strdup(e->host) : NULL,
            .path = e->path ? mem_strdup(e->path) : NULL,
            .port = e->port,
        };
    }
}

static void free_entry(struct bind_entry *e)
{
    mem_free(e->name);
    mem_free(e->shown);
    mem_free(e->host);
    mem_free(e->path);
}

void bind_entries_remove(struct bind_entries *e, struct slice name)
{
    for (uint32_t i = 0; i < e->count; i++) {
        if (slice_is(name, e->items[i].name)) {
            free_entry(&e->items[i]);
            e->items[i] = e->items[--e->count];
            return;
        }
    }
}

void bind_entries_deinit(struct bind_entries *e)
{
    for (uint32_t i = 0; i < e->count; i++) {
        free_entry(&e->items[i]);
    }
    mem_free(e->items);
    *e = (struct bind_entries){0};
}

void bind_request_free(struct bind_request *q)
{
    bind_entries_deinit(&q->entries);
    if (q->door_fd >= 0) {
        close(q->door_fd);
    }
    for (uint32_t i = 0; i < q->name_count; i++) {
        mem_free(q->names[i]);
    }
    for (uint32_t i = 0; i < q->path_count; i++) {
        mem_free(q->paths[i]);
    }
    mem_free(q->holder);
    mem_free(q->word);
    mem_free(q);
}
