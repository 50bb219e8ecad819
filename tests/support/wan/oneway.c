#include "oneway.h"

#include "base/mem.h"

/* A packet inside, ordered by when it is due and, at the same time, by when it came. */
struct parcel {
    uint64_t due_us;
    uint64_t number;
    struct slice packet; /* ours */
};

struct oneway {
    struct weather weather;
    enum oneway_state state;
    struct oneway_counts counts;
    uint64_t dice;
    uint64_t number;      /* of the last parcel */
    uint64_t free_at_us;  /* the bottleneck has sent what it was given */
    uint64_t last_due_us; /* of the parcels that kept their order */
    uint64_t held_bytes;
    struct parcel *heap; /* earliest first */
    size_t heap_count;
    size_t heap_cap;
    struct slice handed_out; /* ours until the next call */
};

/* ---- dice ---- */

/* splitmix64: the same numbers on every machine. */
static uint64_t roll(struct oneway *w)
{
    uint64_t z = (w->dice += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

struct fate {
    bool is_lost;
    bool is_reordered;
    bool is_doubled;
    uint64_t lateness; /* 0..999, where within the jitter it falls */
    uint64_t holdback; /* 0..999, how far behind its place a reordered one comes */
};

static bool hits(uint64_t number, uint64_t ppm)
{
    return number % (1000 * 1000) < ppm;
}

static struct fate draw_fate(struct oneway *w)
{
    struct fate f;
    f.is_lost = hits(roll(w), w->weather.loss_ppm);
    f.is_reordered = hits(roll(w), w->weather.reorder_ppm);
    f.is_doubled = hits(roll(w), w->weather.duplicate_ppm);
    f.lateness = roll(w) % 1000;
    f.holdback = roll(w) % 1000;
    return f;
}

/* ---- parcels ---- */

static bool comes_before(const struct parcel *a, const struct parcel *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->number < b->number;
}

static void heap_push(struct oneway *w, struct parcel parcel)
{
    if (w->heap_count == w->heap_cap) {
        w->heap_cap = w->heap_cap ? 2 * w->heap_cap : 64;
        w->heap = mem_resize(w->heap, w->heap_cap * sizeof *w->heap);
    }
    size_t i = w->heap_count++;
    while (i > 0 && comes_before(&parcel, &w->heap[(i - 1) / 2])) {
        w->heap[i] = w->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    w->heap[i] = parcel;
}

static struct parcel heap_pop(struct oneway *w)
{
    struct parcel first = w->heap[0];
    struct parcel last = w->heap[--w->heap_count];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < w->heap_count && comes_before(&w->heap[child + 1], &w->heap[child])) {
            child++;
        }
        if (child >= w->heap_count || !comes_before(&w->heap[child], &last)) {
            break;
        }
        w->heap[i] = w->heap[child];
        i = child;
    }
    if (w->heap_count) {
        w->heap[i] = last;
    }
    w->held_bytes -= first.packet.len;
    return first;
}

static void hold(struct oneway *w, struct slice packet, uint64_t due_us)
{
    char *copy = mem_alloc(packet.len);
    memcpy(copy, packet.ptr, packet.len);
    w->held_bytes += packet.len;
    heap_push(w, (struct parcel){due_us, ++w->number, slice_of(copy, packet.len)});
}

static void let_go(struct oneway *w)
{
    mem_free((char *)w->handed_out.ptr);
    w->handed_out = SLICE_NONE;
}

static void drop_all(struct oneway *w)
{
    while (w->heap_count) {
        struct parcel p = heap_pop(w);
        mem_free((char *)p.packet.ptr);
        w->counts.lost++;
    }
}

/* ---- the way through ---- */

static bool has_room(const struct oneway *w, size_t n, uint64_t now_us)
{
    const struct weather *weather = &w->weather;

    if (w->held_bytes + n > ONEWAY_HELD_BYTES) {
        return false;
    }
    if (w->state == ONEWAY_STALLED) {
        return w->held_bytes + n <= weather->queue_bytes;
    }
    if (weather->rate_bps == 0 || w->free_at_us <= now_us) {
        return true;
    }
    uint64_t waiting = (w->free_at_us - now_us) * weather->rate_bps / (8 * 1000 * 1000);
    return waiting + n <= weather->queue_bytes;
}

/* When the bottleneck has let the packet through. */
static uint64_t pass_bottleneck(struct oneway *w, size_t n, uint64_t now_us)
{
    if (w->weather.rate_bps == 0) {
        return now_us;
    }
    uint64_t starts_at = w->free_at_us > now_us ? w->free_at_us : now_us;
    w->free_at_us = starts_at + (uint64_t)n * 8 * 1000 * 1000 / w->weather.rate_bps;
    return w->free_at_us;
}

/* Jitter may not overtake; only what is meant to be reordered comes behind its followers. */
static uint64_t travel(struct oneway *w, const struct fate *f, uint64_t sent_us)
{
    const struct weather *weather = &w->weather;
    uint64_t due = sent_us + weather->delay_us + weather->jitter_us * f->lateness / 500;

    due = due > sent_us + weather->jitter_us ? due - weather->jitter_us : sent_us;
    if (due < w->last_due_us) {
        due = w->last_due_us;
    }
    if (f->is_reordered) {
        w->counts.reordered++;
        return due + 1000 + (weather->delay_us / 2) * f->holdback / 1000;
    }
    w->last_due_us = due;
    return due;
}

void oneway_feed(struct oneway *way, struct slice packet, uint64_t now_us)
{
    struct fate f = draw_fate(way);

    if (way->state == ONEWAY_CUT || f.is_lost) {
        way->counts.lost++;
        return;
    }
    if (!has_room(way, packet.len, now_us)) {
        way->counts.overflow++;
        return;
    }
    uint64_t due = travel(way, &f, pass_bottleneck(way, packet.len, now_us));
    hold(way, packet, due);
    if (f.is_doubled && way->held_bytes + packet.len <= ONEWAY_HELD_BYTES) {
        way->counts.duplicated++;
        hold(way, packet, due);
    }
}

bool oneway_next(struct oneway *way, uint64_t now_us, struct slice *packet_out)
{
    let_go(way);
    if (oneway_deadline_us(way) > now_us) {
        return false;
    }
    way->handed_out = heap_pop(way).packet;
    way->counts.passed++;
    *packet_out = way->handed_out;
    return true;
}

uint64_t oneway_deadline_us(const struct oneway *way)
{
    return way->heap_count && way->state == ONEWAY_OPEN ? way->heap[0].due_us : ONEWAY_NEVER;
}

/* ---- life ---- */

struct oneway *oneway_new(uint64_t seed)
{
    struct oneway *w = NEW(struct oneway);
    w->dice = seed;
    w->weather = weather_fair();
    return w;
}

void oneway_free(struct oneway **way)
{
    struct oneway *w = *way;

    if (w) {
        *way = NULL;
        drop_all(w);
        let_go(w);
        mem_free(w->heap);
        mem_free(w);
    }
}

void oneway_set_weather(struct oneway *way, const struct weather *w)
{
    way->weather = *w;
}

void oneway_set_state(struct oneway *way, enum oneway_state state)
{
    way->state = state;
    if (state == ONEWAY_CUT) {
        drop_all(way);
    }
}

const struct weather *oneway_weather(const struct oneway *way)
{
    return &way->weather;
}

const struct oneway_counts *oneway_counts(const struct oneway *way)
{
    return &way->counts;
}
