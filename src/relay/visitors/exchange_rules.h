/* What heads and failures say about how an exchange may be passed on. Pure. */
#pragma once
#include "http/head.h"

/* Sending it twice has the effect of sending it once (RFC 9110 section 9.2.2). */
bool exchange_is_idempotent(const struct http_head *request);

/* A used connection ended for no reason that would hold for the next one too. */
bool exchange_was_stale(int err, uint16_t reset_code);

/* NTLM and Negotiate (RFC 4559) log in the connection and not the request: it belongs to one
 * visitor from then on. name: of the field that says so. */
bool exchange_binds_connection(const struct http_head *head, enum http_name name);
