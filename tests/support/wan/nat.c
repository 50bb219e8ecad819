#include "nat.h"

#include "base/mem.h"
#include "base/table.h"

enum {
    IP_TCP = 6,
    IP_UDP = 17,
    IP_HEAD_BYTES = 20,
    IP_AT_PROTOCOL = 9,
    IP_AT_SUM = 10,
    IP_AT_SOURCE = 12,
    IP_AT_DESTINATION = 16,
    TCP_AT_FLAGS = 13,
    TCP_AT_SUM = 16,
    TCP_SYN_ALONE = 0x02,
    TCP_SYN_ACK_RST = 0x16,
    UDP_AT_SUM = 6,
    PORT_FIRST = 20000,
    PORT_COUNT = 40000,
};

struct endpoint {
    uint8_t protocol;
    uint32_t address;
    uint16_t port;
};

struct mapping {
    struct table_node by_inside;
    struct table_node by_outside;
    struct endpoint inside;
    struct endpoint outside;
};

struct nat {
    uint32_t first_address;
    uint32_t rebind_count;
    uint64_t dice;
    struct table inside;
    struct table outside;
};

/* ---- packets ---- */

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void set16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* RFC 1624: the checksum after one 16-bit field went from old to new. */
static uint16_t sum_after(uint16_t sum, uint16_t old, uint16_t new)
{
    uint32_t s = (uint32_t)(uint16_t)~sum + (uint16_t)~old + new;
    s = (s & 0xFFFF) + (s >> 16);
    s = (s & 0xFFFF) + (s >> 16);
    return (uint16_t)~s;
}

/* What the NAT looks at: the transport header of a whole, unfragmented TCP or UDP packet. */
struct view {
    uint8_t protocol;
    uint8_t *ip;
    uint8_t *transport;
    uint8_t *sum; /* of the transport; NULL: UDP without one */
};

static bool look(uint8_t *packet, size_t n, struct view *v_out)
{
    if (n < IP_HEAD_BYTES || packet[0] >> 4 != 4 || (get16(packet + 6) & 0x3FFF) != 0) {
        return false;
    }
    size_t head = (size_t)(packet[0] & 0x0F) * 4;
    uint8_t protocol = packet[IP_AT_PROTOCOL];
    size_t need = protocol == IP_TCP ? 20 : 8;
    if ((protocol != IP_TCP && protocol != IP_UDP) || head < IP_HEAD_BYTES || n < head + need) {
        return false;
    }
    uint8_t *transport = packet + head;
    uint8_t *sum = transport + (protocol == IP_TCP ? TCP_AT_SUM : UDP_AT_SUM);
    if (protocol == IP_UDP && get16(sum) == 0) {
        sum = NULL;
    }
    *v_out = (struct view){protocol, packet, transport, sum};
    return true;
}

static void rewrite16(const struct view *v, uint8_t *at, uint16_t value, bool is_in_ip)
{
    uint16_t old = get16(at);

    set16(at, value);
    if (is_in_ip) {
        set16(v->ip + IP_AT_SUM, sum_after(get16(v->ip + IP_AT_SUM), old, value));
    }
    if (v->sum) { /* addresses count there too, by the pseudo header */
        set16(v->sum, sum_after(get16(v->sum), old, value));
    }
}

static void rewrite(const struct view *v, size_t address_at, size_t port_at, struct endpoint to)
{
    rewrite16(v, v->ip + address_at, (uint16_t)(to.address >> 16), true);
    rewrite16(v, v->ip + address_at + 2, (uint16_t)to.address, true);
    rewrite16(v, v->transport + port_at, to.port, false);
}

static bool opens_connection(const struct view *v)
{
    return v->protocol != IP_TCP || (v->transport[TCP_AT_FLAGS] & TCP_SYN_ACK_RST) == TCP_SYN_ALONE;
}

/* ---- mappings ---- */

static uint64_t endpoint_hash(struct endpoint e)
{
    return table_hash_u64((uint64_t)e.protocol << 48 | (uint64_t)e.port << 32 | e.address);
}

static bool is_same(struct endpoint a, struct endpoint b)
{
    return a.protocol == b.protocol && a.address == b.address && a.port == b.port;
}

static struct mapping *find_inside(const struct nat *nat, struct endpoint e)
{
    TABLE_EACH_MATCH (&nat->inside, endpoint_hash(e), node) {
        struct mapping *m = CONTAINER_OF(node, struct mapping, by_inside);
        if (is_same(m->inside, e)) {
            return m;
        }
    }
    return NULL;
}

static struct mapping *find_outside(const struct nat *nat, struct endpoint e)
{
    TABLE_EACH_MATCH (&nat->outside, endpoint_hash(e), node) {
        struct mapping *m = CONTAINER_OF(node, struct mapping, by_outside);
        if (is_same(m->outside, e)) {
            return m;
        }
    }
    return NULL;
}

/* A port nobody has: ports go round from where the seed and the last rebinding put them. */
static struct mapping *add_mapping(struct nat *nat, struct endpoint inside)
{
    struct endpoint outside = {inside.protocol, nat_address(nat), 0};

    if (nat->inside.count >= NAT_MAPPINGS_MAX) {
        return NULL;
    }
    do {
        nat->dice = nat->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        outside.port = (uint16_t)(PORT_FIRST + (nat->dice >> 33) % PORT_COUNT);
    } while (find_outside(nat, outside));

    struct mapping *m = NEW(struct mapping);
    m->inside = inside;
    m->outside = outside;
    table_add(&nat->inside, &m->by_inside, endpoint_hash(inside));
    table_add(&nat->outside, &m->by_outside, endpoint_hash(outside));
    return m;
}

static void forget_all(struct nat *nat)
{
    TABLE_EACH (&nat->inside, node) {
        struct mapping *m = CONTAINER_OF(node, struct mapping, by_inside);
        table_remove(&nat->inside, &m->by_inside);
        table_remove(&nat->outside, &m->by_outside);
        mem_free(m);
    }
}

/* ---- the two directions ---- */

bool nat_outward(struct nat *nat, uint8_t *packet, size_t n)
{
    struct view v;

    if (!look(packet, n, &v)) {
        return false;
    }
    struct endpoint inside = {v.protocol, get32(packet + IP_AT_SOURCE), get16(v.transport)};
    struct mapping *m = find_inside(nat, inside);
    if (!m && opens_connection(&v)) {
        m = add_mapping(nat, inside);
    }
    if (m) {
        rewrite(&v, IP_AT_SOURCE, 0, m->outside);
    }
    return m != NULL;
}

bool nat_inward(struct nat *nat, uint8_t *packet, size_t n)
{
    struct view v;

    if (!look(packet, n, &v)) {
        return false;
    }
    struct endpoint outside = {v.protocol, get32(packet + IP_AT_DESTINATION),
                               get16(v.transport + 2)};
    struct mapping *m = find_outside(nat, outside);
    if (m) {
        rewrite(&v, IP_AT_DESTINATION, 2, m->inside);
    }
    return m != NULL;
}

void nat_rebind(struct nat *nat)
{
    forget_all(nat);
    nat->rebind_count++;
}

uint32_t nat_address(const struct nat *nat)
{
    return nat->first_address + nat->rebind_count % NAT_ADDRESS_COUNT;
}

/* ---- life ---- */

struct nat *nat_new(uint32_t first_address, uint64_t seed)
{
    struct nat *nat = NEW(struct nat);
    nat->first_address = first_address;
    nat->dice = seed;
    return nat;
}

void nat_free(struct nat **nat)
{
    struct nat *n = *nat;

    if (n) {
        *nat = NULL;
        forget_all(n);
        table_deinit(&n->inside);
        table_deinit(&n->outside);
        mem_free(n);
    }
}
