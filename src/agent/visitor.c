#include "agent/visitor.h"

#include <netinet/in.h>

struct visitor visitor_of(const struct open_facts *facts)
{
    struct visitor v = {.port = facts->visitor_port};

    if (facts->visitor.len == 4 || facts->visitor.len == 16) {
        v.length = (uint8_t)facts->visitor.len;
        memcpy(v.address, facts->visitor.ptr, facts->visitor.len);
    }
    return v;
}

static struct addr to_addr(const struct visitor *v)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *in4 = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;

    if (v->length == 4) {
        in4->sin_family = AF_INET;
        in4->sin_port = htons(v->port);
        memcpy(&in4->sin_addr, v->address, 4);
        return addr_of(&storage, sizeof *in4);
    }
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(v->port);
    memcpy(&in6->sin6_addr, v->address, 16);
    return addr_of(&storage, sizeof *in6);
}

void visitor_show(const struct visitor *v, char out[ADDR_TEXT_BYTES])
{
    struct addr addr = v->length ? to_addr(v) : (struct addr){0};

    addr_show(&addr, out);
}
