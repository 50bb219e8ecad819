#include "support/check.h"

#include "base/cursor.h"
#include "base/mem.h"
#include "nat.h"

enum {
    TCP = 6,
    UDP = 17,
    SYN = 0x02,
    ACK = 0x10,
    HOME = 0x0A4D0002,   /* 10.77.0.2 */
    SERVER = 0xCB007101, /* 203.0.113.1 */
    PUBLIC = 0xC6336440, /* 198.51.100.64 */
    BYTES = 44,
};

struct packet {
    uint8_t bytes[BYTES];
};

/* One's complement sum of 16-bit words, folded. */
static uint16_t sum_of(const uint8_t *p, size_t n, uint32_t start)
{
    for (size_t i = 0; i + 1 < n; i += 2) {
        start += (uint32_t)(p[i] << 8 | p[i + 1]);
    }
    while (start >> 16) {
        start = (start & 0xFFFF) + (start >> 16);
    }
    return (uint16_t)start;
}

static size_t transport_sum_at(const struct packet *p)
{
    return 20 + (p->bytes[9] == TCP ? 16 : 6);
}

static uint16_t transport_sum(const struct packet *p)
{
    uint32_t pseudo = (uint32_t)sum_of(p->bytes + 12, 8, 0) + p->bytes[9] + (BYTES - 20);
    return sum_of(p->bytes + 20, BYTES - 20, pseudo);
}

static struct packet packet_of(uint8_t protocol, uint8_t flags, uint32_t from, uint16_t from_port,
                               uint32_t to, uint16_t to_port)
{
    struct packet p = {{0x45, 0, 0, BYTES}};
    struct writer w = writer_of(p.bytes + 12, BYTES - 12);

    p.bytes[8] = 64;
    p.bytes[9] = protocol;
    write_u32(&w, from);
    write_u32(&w, to);
    write_u16(&w, from_port);
    write_u16(&w, to_port);
    if (protocol == TCP) {
        p.bytes[33] = flags;
    }
    memcpy(p.bytes + 40, "data", 4);
    uint16_t head_sum = (uint16_t)~sum_of(p.bytes, 20, 0);
    p.bytes[10] = (uint8_t)(head_sum >> 8);
    p.bytes[11] = (uint8_t)head_sum;
    uint16_t sum = (uint16_t)~transport_sum(&p);
    p.bytes[transport_sum_at(&p)] = (uint8_t)(sum >> 8);
    p.bytes[transport_sum_at(&p) + 1] = (uint8_t)sum;
    return p;
}

static void check_sums(const struct packet *p)
{
    assert_int_equal(sum_of(p->bytes, 20, 0), 0xFFFF);
    assert_int_equal(transport_sum(p), 0xFFFF);
}

static uint32_t address_at(const struct packet *p, size_t at)
{
    struct reader r = reader_of(slice_of(p->bytes + at, 4));
    return read_u32(&r);
}

static uint16_t port_at(const struct packet *p, size_t at)
{
    struct reader r = reader_of(slice_of(p->bytes + at, 2));
    return read_u16(&r);
}

/* Sends a packet from HOME:port outward; the public port it got. */
static uint16_t send_out(struct nat *nat, uint8_t protocol, uint8_t flags, uint16_t port)
{
    struct packet p = packet_of(protocol, flags, HOME, port, SERVER, 443);
    assert_true(nat_outward(nat, p.bytes, BYTES));
    check_sums(&p);
    assert_int_equal(address_at(&p, 12), nat_address(nat));
    assert_int_equal(address_at(&p, 16), SERVER);
    return port_at(&p, 20);
}

static void answers_find_their_way_back(void **state)
{
    (void)state;
    struct nat *nat = nat_new(PUBLIC, 1);

    for (int i = 0; i < 2; i++) {
        uint8_t protocol = i ? TCP : UDP;
        uint16_t public_port = send_out(nat, protocol, SYN, 5000);
        struct packet back = packet_of(protocol, SYN | ACK, SERVER, 443, PUBLIC, public_port);
        assert_true(nat_inward(nat, back.bytes, BYTES));
        check_sums(&back);
        assert_int_equal(address_at(&back, 16), HOME);
        assert_int_equal(port_at(&back, 22), 5000);
    }
    nat_free(&nat);
}

static void a_mapping_lasts_and_two_are_never_the_same(void **state)
{
    (void)state;
    struct nat *nat = nat_new(PUBLIC, 1);
    uint16_t first = send_out(nat, TCP, SYN, 5000);

    assert_int_not_equal(send_out(nat, TCP, SYN, 5001), first);
    assert_int_equal(send_out(nat, TCP, ACK, 5000), first);
    nat_free(&nat);
}

static void strangers_do_not_get_in(void **state)
{
    (void)state;
    struct nat *nat = nat_new(PUBLIC, 1);
    struct packet p = packet_of(UDP, 0, SERVER, 443, PUBLIC, 20000);
    struct packet before = p;

    assert_false(nat_inward(nat, p.bytes, BYTES));
    assert_memory_equal(&p, &before, sizeof p);
    nat_free(&nat);
}

static void after_a_rebinding_old_connections_are_dead_and_udp_moves(void **state)
{
    (void)state;
    struct nat *nat = nat_new(PUBLIC, 1);
    uint16_t old_port = send_out(nat, TCP, SYN, 5000);
    send_out(nat, UDP, 0, 6000);
    nat_rebind(nat);
    assert_int_equal(nat_address(nat), PUBLIC + 1);

    struct packet out = packet_of(TCP, ACK, HOME, 5000, SERVER, 443);
    assert_false(nat_outward(nat, out.bytes, BYTES));
    struct packet in = packet_of(TCP, ACK, SERVER, 443, PUBLIC, old_port);
    assert_false(nat_inward(nat, in.bytes, BYTES));
    send_out(nat, UDP, 0, 6000);
    send_out(nat, TCP, SYN, 5000);
    nat_free(&nat);
}

static void what_is_no_whole_packet_does_not_pass(void **state)
{
    (void)state;
    struct nat *nat = nat_new(PUBLIC, 1);
    struct packet p = packet_of(TCP, SYN, HOME, 5000, SERVER, 443);

    for (size_t n = 0; n < 40; n++) {
        uint8_t *cut = mem_alloc(n ? n : 1); /* so that a sanitizer sees a step too far */
        memcpy(cut, p.bytes, n);
        assert_false(nat_outward(nat, cut, n));
        assert_false(nat_inward(nat, cut, n));
        mem_free(cut);
    }
    p.bytes[6] = 0x20; /* a fragment */
    assert_false(nat_outward(nat, p.bytes, BYTES));
    p.bytes[6] = 0;
    p.bytes[9] = 1; /* ICMP */
    assert_false(nat_outward(nat, p.bytes, BYTES));
    nat_free(&nat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_find_their_way_back),
        cmocka_unit_test(a_mapping_lasts_and_two_are_never_the_same),
        cmocka_unit_test(strangers_do_not_get_in),
        cmocka_unit_test(after_a_rebinding_old_connections_are_dead_and_udp_moves),
        cmocka_unit_test(what_is_no_whole_packet_does_not_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
