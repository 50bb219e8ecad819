"""Nobody outside can fill the log: each kind of line has a limit for each who causes it, and the
others are told as ever."""

import re

import pytest

from support import link as say
from support.link import Link
from support.wire import answer, http_origin

LINES = 100  # of one kind, from one source, in a while (src/base/log_limit.h)


def lines_of(process, text):
    return sum(text in line for line in process.stderr())


def web_of(lab, *options):
    relay = lab.relay("--workers", "1", *options)
    return lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer()))), relay=relay)


def test_bad_requests_without_end(lab):
    web = web_of(lab)
    for _ in range(3 * LINES):
        with lab.visit(web) as visitor:
            visitor.send(b"nonsense\r\n\r\n")
            assert visitor.read_response()[0].status == 400
    assert lines_of(lab.the_relay, "request refused") == LINES
    assert lab.curl(web.url).status == 200


def test_visitors_of_a_port_without_end(lab):
    relay = lab.relay("--workers", "1")
    port = lab.tcp(lab.origin(lambda wire: wire.send(b"x")), relay=relay)
    for _ in range(3 * LINES):
        with lab.visit(port) as visitor:
            assert visitor.read_to_end() == b"x"
    assert lines_of(relay, "visitor left") == LINES
    assert lines_of(port.agent, "stream closed") <= LINES


def test_an_agent_that_talks_without_end(lab):
    """And the line about another agent is there all the same."""
    web = web_of(lab)
    relay = lab.the_relay
    link = Link(relay).log_in(lab.token(relay, "villain"))
    limit, notice = 16384, say.message(type="notice", level="info", sentence="listen!")
    for _ in range(30 * LINES):
        while link.told + len(notice) > limit:
            limit = link.wait_control_limit()
        link.tell(notice)
    lab.eventually(lambda: lines_of(relay, "listen!") == LINES)
    other = Link(relay).log_in(lab.token(relay, "other"))
    other.tell(notice)
    lab.eventually(lambda: lines_of(relay, "listen!") == LINES + 1)
    link.close()
    other.close()
    assert lab.curl(web.url).status == 200


def test_logins_and_resumes_without_end(lab):
    web = web_of(lab)
    relay = lab.the_relay
    for i in range(2 * LINES):
        link = Link(relay)
        link.greet()
        if i % 2:
            link.send(say.login("x"))
            link.wait(say.REFUSED)
        else:
            link.send(say.frame(say.RESUME, 0, bytes(64)))
            link.wait(say.UNKNOWN)
        link.close()
    for _ in range(2 * LINES):
        link = Link(relay)
        link.greet()
        link.send(say.login("x"))
        link.wait(say.REFUSED)
        link.close()
    assert lines_of(relay, "login refused") == LINES
    assert lines_of(relay, "resume of an unknown session") == LINES
    assert lab.curl(web.url).status == 200


@pytest.mark.long
@pytest.mark.limit(150)
def test_what_was_not_shown_is_counted(lab):
    web = web_of(lab)
    for _ in range(3 * LINES):
        with lab.visit(web) as visitor:
            visitor.send(b"nonsense\r\n\r\n")
            visitor.read_response()
    told = lab.the_relay.wait_line("more like this", 100).string
    assert f"count={2 * LINES}" in told and "request refused" in told and "127.0.0.1" in told


def test_debug_lines_are_asked_for_and_not_cut(lab):
    web = web_of(lab, "--log-level", "debug")
    for _ in range(2 * LINES):
        assert lab.curl(web.url).status == 200
    lab.eventually(lambda: lines_of(lab.the_relay, "visitor left") == 2 * LINES)
    assert not any(re.search("more like this", line) for line in lab.the_relay.stderr())
