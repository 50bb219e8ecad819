"""On a slow, lossy, shaking line everything arrives, and nobody takes it for a dead one."""

import threading
import time

import pytest

from support import bulk

MB = 1 << 20


def through(lab, wan, handler, carrier="tls"):
    """A TCP tunnel whose agent and origin are at home, relay and visitors in the world."""
    with wan.world:
        relay = lab.relay(host=wan.world.address)
    with wan.home:
        return lab.tcp(lab.origin(handler), relay=relay, carrier=carrier)


def visit(lab, wan, tunnel):
    with wan.world:
        visitor = lab.visit(tunnel)
    visitor.sock.settimeout(60)
    return visitor


@pytest.mark.parametrize("carrier", ["tls", "wss"])
def test_loss_jitter_reordering_and_duplicates(lab, carrier):
    size = 6 * MB
    wan = lab.wan("delay=20ms", "jitter=10ms", "loss=1%", "reorder=1%", "duplicate=1%", seed=3)
    tunnel = through(lab, wan, lambda wire: bulk.send(wire, size), carrier)
    assert bulk.receive(visit(lab, wan, tunnel), size) == bulk.digest(size)
    assert not tunnel.agent.events("link", state="down")


def test_a_keystroke_beside_a_download_on_a_thin_line(lab):
    """2 Mbit/s with a deep queue: the download fills it, and the answer to a key still comes."""
    def handler(wire):
        if wire.read_exact(1) == b"d":
            bulk.send(wire, 64 * MB)
        while data := wire.read_some():
            wire.send(data)
    wan = lab.wan("delay=20ms", "rate=2mbit", "queue=64k")
    tunnel = through(lab, wan, handler)
    download, keys = visit(lab, wan, tunnel), visit(lab, wan, tunnel)
    keys.send(b"k")
    download.send(b"d")
    download.read_exact(MB // 4)
    slowest = 0
    for _ in range(10):
        started_at = time.monotonic()
        keys.send(b"x")
        assert keys.read_exact(1) == b"x"
        slowest = max(slowest, time.monotonic() - started_at)
        time.sleep(0.1)
    assert slowest < 2.0
    assert not tunnel.agent.events("link", state="down")


@pytest.mark.long
@pytest.mark.limit(180)
def test_a_storm_of_outages(lab):
    """Weather that changes each second, with outages, for a minute."""
    size = 48 * MB
    wan = lab.wan("delay=10ms", "rate=20mbit", seed=11)
    tunnel = through(lab, wan, lambda wire: bulk.send(wire, size))
    visitor = visit(lab, wan, tunnel)
    over = threading.Event()

    def storm():
        weathers = ("loss=3%", "delay=80ms", "jitter=40ms", "rate=5mbit", "reorder=5%")
        number = 0
        while not over.wait(1):
            wan.set("delay=10ms", "jitter=0", "loss=0", "reorder=0", "rate=20mbit")
            wan.set(weathers[number % len(weathers)])
            if number % 12 == 6:
                with wan.outage():
                    over.wait(11)
            number += 1
    threading.Thread(target=storm, daemon=True).start()
    try:
        assert bulk.receive(visitor, size) == bulk.digest(size)
    finally:
        over.set()
