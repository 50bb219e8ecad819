/* What a token may do, written as a few words:
 *
 *     http  tcp            kinds of tunnels; none named: all of them
 *     name:PATTERN         a NAME, or with a dot a whole host; `*` stands for any letters
 *     port:A-B  port:N     public ports
 *     admin                everything, and the admin rights of the relay
 *
 *     "http name:blog name:*.shop.example.com port:6000-6100"
 *
 * No name: means every name, no port: means every port the relay hands out. Zeroed memory is the
 * ordinary token: everything but admin. Pure.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/text.h"

enum {
    RIGHTS_NAMES_MAX = 32,
    RIGHTS_PORTS_MAX = 32,
    RIGHTS_NAME_BYTES = 253,
};

enum rights_kind { RIGHTS_HTTP = 1, RIGHTS_TCP = 2 };

struct rights_ports {
    uint16_t first;
    uint16_t last;
};

struct rights {
    bool is_admin;
    unsigned kinds; /* of enum rights_kind; 0: all */
    char *names[RIGHTS_NAMES_MAX];
    size_t name_count;
    struct rights_ports ports[RIGHTS_PORTS_MAX];
    size_t port_count;
};

/* Words separated by blanks or commas; "" is the ordinary token. *out is zeroed on failure. */
MUST_USE int rights_parse(struct slice text, struct rights *out, struct errinfo *info);
void rights_deinit(struct rights *rights);

/* The same words in a fixed order. */
void rights_show(const struct rights *rights, struct text *out);

bool rights_allow_kind(const struct rights *rights, enum rights_kind kind);
bool rights_allow_name(const struct rights *rights, struct slice name);
bool rights_allow_port(const struct rights *rights, uint16_t port);
