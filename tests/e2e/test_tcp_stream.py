"""A TCP tunnel carries bytes, ends and resets as they are."""

import hashlib
import threading

import pytest

from support.wire import free_port, random_bytes


def test_the_server_speaks_first(lab):
    def handler(wire):
        wire.send(b"220 ready\r\n")
        assert wire.read_until(b"\n") == b"QUIT\n"
        wire.send(b"221 bye\r\n")
    visitor = lab.visit(lab.tcp(lab.origin(handler)))
    assert visitor.read_until(b"\n") == b"220 ready\r\n"
    visitor.send(b"QUIT\n")
    assert visitor.read_to_end() == b"221 bye\r\n"


def test_a_visitor_that_ends_still_gets_the_answer(lab):
    def handler(wire):
        wire.send(b"got " + hashlib.sha256(wire.read_to_end()).hexdigest().encode())
    data = random_bytes(3 << 20)
    visitor = lab.visit(lab.tcp(lab.origin(handler)))
    visitor.send(data)
    visitor.half_close()
    assert visitor.read_to_end() == b"got " + hashlib.sha256(data).hexdigest().encode()


def test_an_origin_that_ends_still_gets_the_rest(lab):
    got = threading.Event()

    def handler(wire):
        wire.send(b"all I have")
        wire.half_close()
        assert wire.read_to_end() == b"and this from me"
        got.set()
    visitor = lab.visit(lab.tcp(lab.origin(handler)))
    assert visitor.read_to_end() == b"all I have"
    visitor.send(b"and this from me")
    visitor.close()
    assert got.wait(5)


def test_a_reset_by_the_origin_is_a_reset(lab):
    def handler(wire):
        wire.read_exact(1)
        wire.reset()
    visitor = lab.visit(lab.tcp(lab.origin(handler)))
    visitor.send(b"x")
    with pytest.raises(ConnectionResetError):
        visitor.read_to_end()


def test_a_reset_by_the_visitor_is_a_reset(lab):
    seen = []
    done = threading.Event()

    def handler(wire):
        wire.send(b"hello")
        try:
            wire.read_to_end()
            seen.append("end")
        except ConnectionResetError:
            seen.append("reset")
        done.set()
    visitor = lab.visit(lab.tcp(lab.origin(handler)))
    visitor.read_exact(5)
    visitor.reset()
    assert done.wait(5) and seen == ["reset"]


def test_a_refused_origin_ends_the_visitor_at_once(lab):
    visitor = lab.visit(lab.tcp(free_port()))
    try:
        assert visitor.read_to_end() == b""
    except ConnectionResetError:
        pass


def test_much_both_ways_at_once(lab):
    data = random_bytes(64 << 20)

    def handler(wire):
        sender = threading.Thread(target=wire.send, args=(data,))
        sender.start()
        assert wire.read_exact(len(data)) == data
        sender.join()
    visitor = lab.visit(lab.tcp(lab.origin(handler)))
    sender = threading.Thread(target=visitor.send, args=(data,))
    sender.start()
    assert visitor.read_exact(len(data)) == data
    sender.join()


def test_many_visitors_at_once(lab):
    def handler(wire):
        while data := wire.read_some():
            wire.send(data)
    tunnel = lab.tcp(lab.origin(handler))
    visitors = [lab.visit(tunnel) for _ in range(100)]
    for n, visitor in enumerate(visitors):
        visitor.send(b"%d" % n)
    for n, visitor in enumerate(visitors):
        assert visitor.read_exact(len(str(n))) == b"%d" % n


def test_unix_targets(lab):
    origin = lab.origin(lambda wire: wire.send(b"from a unix socket: " + wire.read_exact(2)),
                        unix=True)
    visitor = lab.visit(lab.tcp(origin))
    visitor.send(b"hi")
    assert visitor.read_to_end() == b"from a unix socket: hi"
