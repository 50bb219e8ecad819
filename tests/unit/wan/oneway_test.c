#include "support/check.h"

#include "base/mem.h"
#include "oneway.h"

enum { MANY = 10000 };

/* A way in the weather the words tell, zero terminated. */
static struct oneway *way_in(uint64_t seed, const char *const *words)
{
    struct oneway *way = oneway_new(seed);
    struct weather w = weather_fair();

    for (; *words; words++) {
        assert_int_equal(weather_set(&w, slice_str(*words), NULL), 0);
    }
    oneway_set_weather(way, &w);
    return way;
}

#define WAY_IN(seed, ...) way_in(seed, (const char *const[]){__VA_ARGS__, NULL})

static void feed_number(struct oneway *way, uint32_t number, uint64_t now_us)
{
    oneway_feed(way, slice_of(&number, sizeof number), now_us);
}

static uint32_t number_of(struct slice packet)
{
    uint32_t number;
    assert_int_equal(packet.len, sizeof number);
    memcpy(&number, packet.ptr, sizeof number);
    return number;
}

/* Feeds MANY packets, one each 100 us, and takes what comes out until nothing is left. */
static size_t pass_many(struct oneway *way, uint32_t *numbers_out, size_t cap)
{
    struct slice packet;
    size_t count = 0;

    for (uint32_t i = 0; i < MANY; i++) {
        feed_number(way, i, (uint64_t)i * 100);
    }
    for (uint64_t at; (at = oneway_deadline_us(way)) != ONEWAY_NEVER;) {
        while (oneway_next(way, at, &packet)) {
            assert_true(count < cap);
            numbers_out[count++] = number_of(packet);
        }
    }
    return count;
}

static void a_good_line_delivers_at_once_and_in_order(void **state)
{
    (void)state;
    struct oneway *way = oneway_new(1);
    struct slice packet;

    feed_number(way, 1, 50);
    feed_number(way, 2, 50);
    assert_int_equal(oneway_deadline_us(way), 50);
    assert_true(oneway_next(way, 50, &packet));
    assert_int_equal(number_of(packet), 1);
    assert_true(oneway_next(way, 50, &packet));
    assert_int_equal(number_of(packet), 2);
    assert_false(oneway_next(way, 50, &packet));
    assert_true(oneway_deadline_us(way) == ONEWAY_NEVER);
    oneway_free(&way);
}

static void delay_is_kept_to_the_microsecond(void **state)
{
    (void)state;
    struct oneway *way = WAY_IN(1, "delay=40ms");
    struct slice packet;

    feed_number(way, 1, 1000);
    assert_int_equal(oneway_deadline_us(way), 41000);
    assert_false(oneway_next(way, 40999, &packet));
    assert_true(oneway_next(way, 41000, &packet));
    oneway_free(&way);
}

static void the_bottleneck_lets_its_rate_through(void **state)
{
    (void)state;
    struct oneway *way = WAY_IN(1, "rate=8mbit"); /* one byte a microsecond */
    char packet[1000] = {0};
    struct slice out;

    for (int i = 0; i < 10; i++) {
        oneway_feed(way, slice_of(packet, sizeof packet), 0);
    }
    for (uint64_t i = 1; i <= 10; i++) {
        assert_int_equal(oneway_deadline_us(way), 1000 * i);
        assert_true(oneway_next(way, 1000 * i, &out));
    }
    oneway_free(&way);
}

static void a_full_queue_drops_the_rest(void **state)
{
    (void)state;
    struct oneway *way = WAY_IN(1, "rate=8mbit", "queue=4000");
    char packet[1000] = {0};

    for (int i = 0; i < 10; i++) {
        oneway_feed(way, slice_of(packet, sizeof packet), 0);
    }
    assert_int_equal(oneway_counts(way)->overflow, 6);
    oneway_free(&way);
}

static void loss_takes_its_share(void **state)
{
    (void)state;
    static uint32_t numbers[2 * MANY];
    struct oneway *way = WAY_IN(7, "loss=2%");
    size_t count = pass_many(way, numbers, COUNT_OF(numbers));

    assert_in_range(MANY - count, 150, 250);
    assert_int_equal(oneway_counts(way)->lost, MANY - count);
    oneway_free(&way);
}

static void jitter_alone_never_changes_the_order(void **state)
{
    (void)state;
    static uint32_t numbers[2 * MANY];
    struct oneway *way = WAY_IN(7, "delay=20ms", "jitter=15ms");

    assert_int_equal(pass_many(way, numbers, COUNT_OF(numbers)), MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(numbers[i], i);
    }
    oneway_free(&way);
}

static void reordering_and_doubling_lose_nothing(void **state)
{
    (void)state;
    static uint32_t numbers[2 * MANY];
    static uint8_t seen[MANY];
    struct oneway *way = WAY_IN(7, "delay=10ms", "reorder=5%", "duplicate=3%");
    size_t count = pass_many(way, numbers, COUNT_OF(numbers));
    unsigned behind = 0;

    for (size_t i = 0; i < count; i++) {
        behind += i > 0 && numbers[i] < numbers[i - 1];
        seen[numbers[i]]++;
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_in_range(seen[i], 1, 2);
    }
    assert_in_range(count - MANY, 200, 400);
    assert_true(behind > 300);
    oneway_free(&way);
}

static void the_same_seed_is_the_same_fate(void **state)
{
    (void)state;
    static uint32_t first[2 * MANY];
    static uint32_t second[2 * MANY];
    size_t count[3];

    for (int i = 0; i < 3; i++) {
        struct oneway *way = WAY_IN(i == 2 ? 8 : 7, "delay=9ms", "loss=5%", "reorder=5%");
        count[i] = pass_many(way, i == 0 ? first : second, COUNT_OF(first));
        oneway_free(&way);
        if (i == 1) {
            assert_int_equal(count[0], count[1]);
            assert_memory_equal(first, second, count[0] * sizeof *first);
        }
    }
    assert_true(count[2] != count[0] || memcmp(first, second, count[0] * sizeof *first) != 0);
}

static void a_cut_loses_what_is_inside_and_what_comes(void **state)
{
    (void)state;
    struct oneway *way = WAY_IN(1, "delay=40ms");
    struct slice packet;

    feed_number(way, 1, 0);
    oneway_set_state(way, ONEWAY_CUT);
    feed_number(way, 2, 10);
    oneway_set_state(way, ONEWAY_OPEN);
    feed_number(way, 3, 20);
    assert_true(oneway_next(way, 100000, &packet));
    assert_int_equal(number_of(packet), 3);
    assert_false(oneway_next(way, 100000, &packet));
    assert_int_equal(oneway_counts(way)->lost, 2);
    oneway_free(&way);
}

static void a_stall_keeps_what_the_queue_holds(void **state)
{
    (void)state;
    struct oneway *way = WAY_IN(1, "queue=12");
    struct slice packet;

    oneway_set_state(way, ONEWAY_STALLED);
    for (uint32_t i = 0; i < 5; i++) {
        feed_number(way, i, 0);
    }
    assert_true(oneway_deadline_us(way) == ONEWAY_NEVER);
    assert_false(oneway_next(way, 1000, &packet));
    oneway_set_state(way, ONEWAY_OPEN);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(oneway_next(way, 1000, &packet));
        assert_int_equal(number_of(packet), i);
    }
    assert_false(oneway_next(way, 1000, &packet));
    assert_int_equal(oneway_counts(way)->overflow, 2);
    oneway_free(&way);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_line_delivers_at_once_and_in_order),
        cmocka_unit_test(delay_is_kept_to_the_microsecond),
        cmocka_unit_test(the_bottleneck_lets_its_rate_through),
        cmocka_unit_test(a_full_queue_drops_the_rest),
        cmocka_unit_test(loss_takes_its_share),
        cmocka_unit_test(jitter_alone_never_changes_the_order),
        cmocka_unit_test(reordering_and_doubling_lose_nothing),
        cmocka_unit_test(the_same_seed_is_the_same_fate),
        cmocka_unit_test(a_cut_loses_what_is_inside_and_what_comes),
        cmocka_unit_test(a_stall_keeps_what_the_queue_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
