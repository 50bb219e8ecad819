"""Whoever is slow on purpose is sent away in time, with the right status; whoever is silent costs
next to nothing, by the thousand."""

import os
import socket
import time

import pytest

from support import link as say
from support.lab import memory_bytes
from support.link import Link, WebSocketWire
from support.wire import answer, connect, http_origin

LIMITS = "{handshake: 1s, request_head: 1s, body_stall: 1s}"


@pytest.fixture
def web(lab):
    config = lab.folder / "relay.yml"
    config.write_text(f"limits: {LIMITS}\n")
    relay = lab.relay("--config", config)

    def respond(wire, head):
        wire.read_body(head) if head.get("content-length") else None
        wire.send(answer(b"x" * (64 << 20) if "/big" in head.start else b"fine"))
    tunnel = lab.http(lab.origin(http_origin(respond)), relay=relay)
    relay.wait_line("tunnel bound")
    return tunnel


def trickle(visitor, data, seconds=4):
    """A byte now and then; when it was sent away, or None."""
    started_at = time.monotonic()
    visitor.sock.settimeout(0.1)
    for i in range(len(data)):
        try:
            visitor.send(data[i:i + 1])
            visitor._more()
            return time.monotonic() - started_at
        except TimeoutError:
            pass
        except ConnectionError:
            return time.monotonic() - started_at
        if time.monotonic() - started_at > seconds:
            break
    return None


def lines(relay, *words):
    return sum(all(word in line for word in words) for line in relay.stderr())


def test_a_head_byte_by_byte_is_408(lab, web):
    with lab.visit(web) as visitor:
        after = trickle(visitor, web.request("GET", "/" + "a" * 100))
        assert after and 0.8 < after < 2
        visitor.sock.settimeout(5)
        assert visitor.read_response()[0].status == 408
    lab.eventually(lambda: lines(lab.the_relay, "request refused", "status=408") == 1)
    assert lab.curl(web.url).body == b"fine"


def test_a_second_head_byte_by_byte_is_408_too(lab, web):
    with lab.visit(web) as visitor:
        visitor.send(web.request())
        assert visitor.read_response()[1] == b"fine"
        assert trickle(visitor, web.request("GET", "/" + "a" * 100))
        visitor.sock.settimeout(5)
        assert visitor.read_response()[0].status == 408


def test_a_body_that_stops_is_408(lab, web):
    with lab.visit(web) as visitor:
        visitor.send(web.request("POST", "/", "Content-Length: 100") + b"x")
        started_at = time.monotonic()
        assert visitor.read_response()[0].status == 408
        assert 0.8 < time.monotonic() - started_at < 3
    assert lab.curl(web.url).body == b"fine"


def test_an_answer_nobody_takes_is_given_up(lab, web):
    relay = lab.the_relay
    had = relay.descriptor_count()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", relay.port))
    sock.sendall(web.request("GET", "/big"))
    lab.eventually(lambda: relay.descriptor_count() > had)
    lab.eventually(lambda: relay.descriptor_count() == had, 8)
    sock.close()
    assert lab.curl(web.url).body == b"fine"


TLS_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300)
GREETINGS = {
    "half a magic": b"adi",
    "a HELLO byte by byte": say.hello(),
    "a ClientHello byte by byte": TLS_HELLO,
}


@pytest.mark.parametrize("what", GREETINGS)
def test_a_greeting_that_takes_too_long_is_cut(lab, web, what):
    with connect(lab.the_relay.port) as visitor:
        sent = GREETINGS[what]
        visitor.send(sent[:2])
        after = trickle(visitor, sent[2:] + bytes(100))
        assert after and after < 3, after
    assert lab.curl(web.url).body == b"fine"


def test_a_link_that_never_logs_in_is_cut(lab, web):
    for carrier in ("tcp", "tls", "wss"):
        link = Link(lab.the_relay, carrier)
        link.greet()
        link.wire.sock.settimeout(5)
        started_at = time.monotonic()
        assert link.ends()
        assert time.monotonic() - started_at < 4
        link.close()


def test_a_websocket_that_never_says_anything_is_cut(lab, web):
    wire = WebSocketWire(connect(lab.the_relay.port), lab.the_relay)
    wire.sock.settimeout(5)
    with pytest.raises((EOFError, ConnectionError)):
        wire.read_exact(1)
    wire.close()


def cpu_seconds(process):
    fields = open(f"/proc/{process.popen.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


SILENT = {
    "nothing": lambda web: b"",
    "half a head": lambda web: web.request()[:-2],
    "half a ClientHello": lambda web: TLS_HELLO[:50],
    "half a HELLO": lambda web: say.hello()[:20],
    "half a body": lambda web: web.request("POST", "/", "Content-Length: 9") + b"x",
}


@pytest.mark.limit(120)
def test_thousands_of_silent_connections_cost_next_to_nothing(lab):
    """Before anybody's deadline: 600 of each kind."""
    web = lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer(b"fine")))))
    relay = lab.the_relay
    lab.env["ASAN_OPTIONS"] += ":quarantine_size_mb=16"
    had, before = relay.descriptor_count(), relay.peak_memory_bytes()
    visitors = []
    for _ in range(600):
        for some in SILENT.values():
            visitors.append(lab.visit(web))
            visitors[-1].send(some(web))
    started_at = time.monotonic()
    for _ in range(10):
        assert lab.curl(web.url).body == b"fine"
    assert time.monotonic() - started_at < 8
    assert relay.peak_memory_bytes() - before < memory_bytes(96 << 20)
    used = cpu_seconds(relay)
    time.sleep(1)
    assert cpu_seconds(relay) - used < 0.3
    for visitor in visitors:
        visitor.close()
    lab.eventually(lambda: relay.descriptor_count() <= had + 2, 30)
    assert lab.curl(web.url).body == b"fine"
