"""A line that went silent without a word is noticed within seconds, by a probe 6 s after the last
byte and 3 s of waiting for an answer, and what went through it goes on."""

import time

import pytest

from support import bulk

NOTICED_SECONDS = 6 + 3 + 2  # the last two for a busy machine
MB = 1 << 20


def echo(wire):
    while data := wire.read_some():
        wire.send(data)


def test_an_idle_line_that_went_silent(lab):
    cutter = lab.cutter()
    tunnel = lab.tcp(lab.origin(echo), relay=cutter)
    visitor = lab.visit(tunnel)
    visitor.send(b"before")
    assert visitor.read_exact(6) == b"before"
    cutter.silence()
    started_at = time.monotonic()
    visitor.send(b"after")
    down = tunnel.agent.wait_event("link", seconds=NOTICED_SECONDS, state="down")
    assert time.monotonic() - started_at < NOTICED_SECONDS
    assert "no sign of life" in down["reason"]
    cutter.speak()
    assert visitor.read_exact(5) == b"after"


@pytest.mark.parametrize("way", [(), ("up",), ("down",)], ids=["both", "up", "down"])
def test_packets_that_vanish(lab, way):
    """The true thing: no packet passes, in both directions or in one, also none of the kernel's."""
    size = 8 * MB
    wan = lab.wan("delay=5ms", "rate=100mbit")
    with wan.world:
        relay = lab.relay(host=wan.world.address)
    with wan.home:
        tunnel = lab.tcp(lab.origin(lambda wire: bulk.send(wire, size)), relay=relay)
    with wan.world:
        visitor = lab.visit(tunnel)
    begin = visitor.read_exact(1000)
    wan.cut(*way)
    started_at = time.monotonic()
    tunnel.agent.wait_event("link", seconds=NOTICED_SECONDS, state="down")
    assert time.monotonic() - started_at < NOTICED_SECONDS
    wan.heal()
    visitor.unread = begin
    visitor.sock.settimeout(30)
    assert bulk.receive(visitor, size) == bulk.digest(size)


def test_a_pause_shorter_than_that_is_only_a_pause(lab):
    cutter = lab.cutter()
    tunnel = lab.tcp(lab.origin(echo), relay=cutter)
    visitor = lab.visit(tunnel)
    for _ in range(2):
        cutter.silence()
        visitor.send(b"wait")
        time.sleep(2)
        cutter.speak()
        assert visitor.read_exact(4) == b"wait"
    assert not tunnel.agent.events("link", state="down")
