/* CONTROL messages of an agent: what it binds and unbinds. */
#pragma once
#include "base/slice.h"

struct session;

/* One message; whatever is wrong with it is logged, and answered where there is an answer. */
void session_control_received(struct session *s, struct slice message);
