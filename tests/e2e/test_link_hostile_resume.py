"""A RESUME whose proof is good and whose table is a lie ends that session with one line, and
disturbs nobody; a true one goes on."""

import pytest

from support import link as say
from support.lab import memory_bytes
from support.link import Link

FOREVER = 2**62


def control_row(**how):
    return say.row(0, **{"limit": 16384, **how})


LIES = {
    "an empty table": b"",
    "no row for CONTROL": say.row(2),
    "CONTROL twice": control_row() * 2,
    "CONTROL received that was never sent": control_row(received=FOREVER),
    "one byte of CONTROL too many": control_row(received=1),
    "credit for ever": control_row(limit=2**64 - 1),
    "an id with its top bit": control_row() + say.row(2**31 | 2),
    "a stream the relay never opened": control_row() + say.row(2),
    "the last stream of all": control_row() + say.row(2**30),
    "ten thousand streams it never opened": control_row() + b"".join(
        say.row(2 + 2 * i) for i in range(2600)),
}


@pytest.mark.parametrize("carrier", ["tcp", "ws"])
def test_tables_that_lie_end_their_session(lab, web, token, carrier):
    relay = web.agent.relay
    for what, rows in LIES.items():
        before = len(relay.stderr()) + 1
        old = Link(relay, carrier).log_in(token)
        lab.eventually(lambda: len(relay.stderr()) == before)
        link = Link(relay, carrier).resume(old, rows)
        assert link.ends() and link.is_blamed(), what
        assert old.ends(), what
        lab.eventually(lambda: len(relay.stderr()) > before)
        said = relay.stderr()[before:]
        assert len(said) == 1 and "the agent broke the protocol" in said[0], (what, said)
        assert "session over" in said[0], (what, said)
        again = Link(relay, carrier).resume(old, control_row(), epoch=2)
        again.wait(say.UNKNOWN)
        for each in (link, old, again):
            each.close()
        lab.eventually(lambda: len(relay.stderr()) == before + 3)  # unknown, and left unanswered
    assert lab.curl(web.url).status == 200


def test_streams_of_the_agents_own_that_are_gone_mean_nothing(lab, web, token):
    """Rows for ids of the agent's side, huge numbers in them: no record is there to take them."""
    relay = web.agent.relay
    old = Link(relay).log_in(token)
    rows = control_row() + b"".join(say.row(1 + 2 * i, FOREVER, FOREVER, 2**32 - 1)
                                    for i in range(500))
    link = Link(relay).resume(old, rows)
    link.wait(say.RESUMED)
    link.send(say.frame(say.PING, 0, bytes(8)))
    link.wait(say.PONG)
    link.close()
    assert lab.curl(web.url).status == 200


def test_a_table_of_the_largest_size_is_read_at_once_and_a_larger_one_refused(lab, web, token):
    relay = web.agent.relay
    old = Link(relay).log_in(token)
    before = relay.peak_memory_bytes()
    piece = b"".join(say.row(1 + 2 * i) for i in range(2700))
    link = Link(relay).resume(old, control_row(), more=[piece] * 40)
    assert link.ends()
    lab.eventually(lambda: any("too many rows" in line for line in relay.stderr()))
    fits = Link(relay).resume(old, control_row(), epoch=2, more=[piece] * 23)
    fits.wait(say.RESUMED)
    assert relay.peak_memory_bytes() - before < memory_bytes(64 << 20)
    assert lab.curl(web.url).status == 200
    for each in (old, link, fits):
        each.close()


def test_an_epoch_or_a_proof_is_good_once(lab, web, token):
    relay = web.agent.relay
    old = Link(relay).log_in(token)
    link = Link(relay).resume(old, control_row(), epoch=7)
    fresh = link.wait(say.RESUMED)[2][:32]
    for epoch in (7, 6, 0):
        stale = Link(relay).resume(old, control_row(), epoch=epoch)
        stale.wait(say.UNKNOWN)
        stale.close()
    old.secret = fresh
    again = Link(relay).resume(old, control_row(), epoch=8)
    again.wait(say.RESUMED)
    assert link.ends()  # detached by the newer one
    again.send(say.frame(say.PING, 0, bytes(8)))
    again.wait(say.PONG)
    for each in (old, link, again):
        each.close()


def test_a_stranger_cannot_resume_with_a_guess(lab, web, token):
    relay = web.agent.relay
    old = Link(relay).log_in(token)
    villain = Link(relay)
    villain.session, villain.secret = old.session, bytes(32)
    link = Link(relay).resume(villain, control_row())
    link.wait(say.UNKNOWN)
    old.send(say.frame(say.PING, 0, bytes(8)))
    old.wait(say.PONG)  # not even detached
    for each in (old, villain, link):
        each.close()


def test_resumes_in_a_loop_cost_no_memory(lab, web, token):
    """A session that is resumed again and again, its old carrier left open each time."""
    relay = web.agent.relay
    old = Link(relay).log_in(token)
    links = []
    before = relay.descriptor_count()
    for epoch in range(1, 200):
        links.append(Link(relay).resume(old, control_row(), epoch=epoch))
        old.secret = links[-1].wait(say.RESUMED)[2][:32]
    lab.eventually(lambda: relay.descriptor_count() <= before + 2)
    assert relay.peak_memory_bytes() < memory_bytes(64 << 20)
    for each in links:
        each.close()
    assert lab.curl(web.url).status == 200
