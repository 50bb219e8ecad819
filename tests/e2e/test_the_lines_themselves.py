"""The bad lines of the survival tests do what they say, without adit in between."""

import hashlib
import threading
import time

import pytest

from support.wire import connect, random_bytes


def echo(wire):
    while data := wire.read_some():
        wire.send(data)


class Plain:
    """What a Cutter needs to know of the relay it stands before."""

    def __init__(self, origin):
        self.port = origin.port
        self.host = "127.0.0.1"


def test_a_cutter_carries_and_resets(lab):
    cutter = lab.cutter(Plain(lab.origin(echo)))
    visitor = lab.visit(cutter)
    visitor.send(b"hello")
    assert visitor.read_exact(5) == b"hello"
    cutter.cut()
    with pytest.raises(ConnectionResetError):
        visitor.read_exact(1)
    again = lab.visit(cutter)
    again.send(b"again")
    assert again.read_exact(5) == b"again"


def test_a_silenced_cutter_loses_nothing_and_tells_nobody(lab):
    cutter = lab.cutter(Plain(lab.origin(echo)))
    visitor = lab.visit(cutter)
    cutter.silence()
    visitor.send(b"later")
    visitor.sock.settimeout(0.3)
    with pytest.raises(TimeoutError):
        visitor.read_exact(1)
    cutter.speak()
    assert visitor.read_exact(5) == b"later"


def wired(lab, *settings, **how):
    """A line, and a connection through it from home to an echo in the world."""
    wan = lab.wan(*settings, **how)
    with wan.world:
        origin = lab.origin(echo, host=wan.world.address)
    with wan.home:
        visitor = connect(origin.port, wan.world.address)
    lab.wires.append(visitor)
    return wan, origin, visitor


def round_trip_ms(wire):
    started_at = time.monotonic()
    wire.send(b"x")
    wire.read_exact(1)
    return (time.monotonic() - started_at) * 1000


def test_a_wan_delays(lab):
    _, _, visitor = wired(lab, "delay=30ms")
    assert 60 <= min(round_trip_ms(visitor) for _ in range(5)) < 75


def test_a_wan_brings_all_bytes_in_any_weather(lab):
    wan, _, visitor = wired(lab, "delay=3ms", "jitter=2ms", "loss=1%", "reorder=2%",
                            "duplicate=1%", seed=5)
    data = random_bytes(4 << 20)
    sender = threading.Thread(target=visitor.send, args=(data,))
    sender.start()
    got = visitor.read_exact(len(data))
    sender.join()
    assert hashlib.sha256(got).digest() == hashlib.sha256(data).digest()
    up = wan.counts()["up"]
    assert up["lost"] > 0 and up["reordered"] > 0 and up["duplicated"] > 0


def test_a_wan_keeps_its_rate(lab):
    _, _, visitor = wired(lab, "rate=40mbit", "delay=2ms")
    data = random_bytes(5 << 20)  # one second
    started_at = time.monotonic()
    sender = threading.Thread(target=visitor.send, args=(data,))
    sender.start()
    visitor.read_exact(len(data))
    sender.join()
    assert 0.9 < time.monotonic() - started_at < 4


def test_a_cut_wan_is_silent_and_heals(lab):
    wan, _, visitor = wired(lab)
    with wan.outage():
        visitor.send(b"held")
        visitor.sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            visitor.read_exact(1)
    visitor.sock.settimeout(10)
    assert visitor.read_exact(4) == b"held"


def test_a_rebinding_leaves_old_connections_silent_and_lets_new_ones_pass(lab):
    wan, origin, visitor = wired(lab, nat=True)
    round_trip_ms(visitor)
    wan.rebind()
    visitor.send(b"x")
    visitor.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        visitor.read_exact(1)
    with wan.home, connect(origin.port, wan.world.address) as again:
        round_trip_ms(again)
