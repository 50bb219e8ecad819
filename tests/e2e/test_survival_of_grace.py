"""An agent that stays away for longer than the grace: everybody is told, nothing is truncated."""

import threading
import time

import pytest

from support.wire import answer, http_origin

GRACE_SECONDS = 3


def away(lab, start):
    """A tunnel behind a line of its own; start(cutter) makes it."""
    cutter = lab.cutter(lab.relay("--grace", f"{GRACE_SECONDS}s"))
    tunnel = start(cutter)

    def leave():
        cutter.refuse()
        cutter.cut()
        tunnel.agent.wait_event("link", state="down")
    tunnel.leave, tunnel.cutter = leave, cutter
    return tunnel


def test_a_tcp_visitor_is_reset(lab):
    ends = []

    def handler(wire):
        wire.send(b"hello")
        try:
            wire.read_to_end()
            ends.append("end")
        except ConnectionResetError:
            ends.append("reset")
    tunnel = away(lab, lambda line: lab.tcp(lab.origin(handler), relay=line))
    visitor = lab.visit(tunnel)
    assert visitor.read_exact(5) == b"hello"
    tunnel.leave()
    left_at = time.monotonic()
    with pytest.raises(ConnectionResetError):
        visitor.read_to_end()
    assert GRACE_SECONDS - 1 < time.monotonic() - left_at < GRACE_SECONDS + 3
    event = tunnel.agent.wait_event("stream", seconds=15)
    assert "link" in event["reason"] or "relay" in event["reason"], event
    lab.eventually(lambda: ends == ["reset"])


def test_a_download_is_broken_off_not_ended(lab):
    def respond(wire, _head):
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        wire.send_chunk(b"first")
        wire.read_to_end()
    web = away(lab, lambda line: lab.http(lab.origin(http_origin(respond)), relay=line))
    visitor = lab.visit(lab.the_relay)
    visitor.send(web.request())
    visitor.read_head()
    assert visitor.read_until(b"first\r\n")
    web.leave()
    with pytest.raises((EOFError, ConnectionResetError)):
        visitor.read_chunked()


def test_a_download_without_length_is_broken_off_by_a_reset(lab):
    """Ended by the connection's end: only a reset can tell that it was cut short."""
    def respond(wire, _head):
        wire.send(b"HTTP/1.0 200 OK\r\n\r\nfirst")
        wire.read_to_end()
    web = away(lab, lambda line: lab.http(lab.origin(http_origin(respond)), relay=line))
    visitor = lab.visit(lab.the_relay)
    visitor.send(f"GET / HTTP/1.0\r\nHost: {web.host}\r\n\r\n".encode())
    visitor.read_head()
    assert visitor.read_exact(5) == b"first"
    web.leave()
    with pytest.raises(ConnectionResetError):
        visitor.read_to_end()


def test_a_request_without_an_answer_yet_gets_a_503(lab):
    arrived = threading.Event()

    def respond(wire, _head):
        arrived.set()
        wire.read_to_end()
    web = away(lab, lambda line: lab.http(lab.origin(http_origin(respond)), relay=line))
    visitor = lab.visit(lab.the_relay)
    visitor.send(web.request())
    assert arrived.wait(5)
    web.leave()
    head, body = visitor.read_response()
    assert head.status in (502, 503), head.start
    assert body


def test_a_new_request_waits_a_moment_and_gets_a_503_with_retry_after(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"here"))))
    web = away(lab, lambda line: lab.http(origin, relay=line))
    assert lab.get(web).body == b"here"
    web.leave()
    got = lab.get(web)
    assert got.status == 503 and int(got.get("Retry-After")) > 0
    lab.the_relay.wait_line("session over", GRACE_SECONDS + 3)
    got = lab.get(web)  # the name is still the agent's
    assert got.status == 503 and int(got.get("Retry-After")) > 0


def test_a_request_that_comes_while_the_line_is_cut_is_served_when_it_is_back(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"here"))))
    cutter = lab.cutter()
    web = lab.http(origin, relay=cutter)
    cutter.silence()  # the next link too, until it may speak
    cutter.cut()
    web.agent.wait_event("link", state="down")
    threading.Timer(1, cutter.speak).start()
    assert lab.get(web).body == b"here"


def test_after_the_grace_the_agent_comes_back_with_the_same_url(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"here"))))
    web = away(lab, lambda line: lab.http(origin, relay=line))
    web.leave()
    time.sleep(GRACE_SECONDS + 1)
    web.cutter.refuse(False)
    lab.eventually(lambda: lab.get(web, check=False).body == b"here", 30)
