/* The tunnels of a session: what its agent binds and unbinds, and what becomes of them when the
 * link or the session goes. */
#pragma once
#include "relay/sessions/session.h"

/* For relay.session_user. */
extern const struct session_user session_tunnels;
