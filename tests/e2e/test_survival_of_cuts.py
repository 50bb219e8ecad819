"""Downloads, uploads and WebSockets do not notice that the agent's connection was cut, and cut
again, in the middle of them."""

import asyncio
import threading

import pytest
import websockets

from support import bulk

MB = 1 << 20

forms = pytest.mark.parametrize("size, cuts", [
    pytest.param(64 * MB, 4, id="quick"),
    pytest.param(1024 * MB, 10, id="long", marks=[pytest.mark.long, pytest.mark.limit(600)]),
])


def cut_line(lab, size, cuts):
    """A line that is cut so often while size bytes pass."""
    cutter = lab.cutter()
    cutter.cut_every(size // (cuts + 1), cuts)
    return cutter


def check_line(cutter, tunnel, cuts):
    assert cutter.cuts_left == 0
    assert len(tunnel.agent.events("link", state="up")) == cuts + 1
    assert not tunnel.agent.events("error")


@forms
@pytest.mark.parametrize("carrier", ["tls", "wss"])
def test_a_download(lab, carrier, size, cuts):
    def handler(wire):
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        bulk.send(wire, size)
        wire.read_to_end()
    cutter = cut_line(lab, size, cuts)
    web = lab.http(lab.origin(handler), relay=cutter, carrier=carrier)
    visitor = lab.visit(lab.the_relay)
    visitor.send(web.request())
    assert visitor.read_head().status == 200
    visitor.sock.settimeout(120)
    assert bulk.receive(visitor, size) == bulk.digest(size)
    check_line(cutter, web, cuts)


@forms
def test_an_upload(lab, size, cuts):
    def handler(wire):
        wire.read_head()
        got = bulk.receive(wire, size).encode()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(got), got))
    cutter = cut_line(lab, size, cuts)
    web = lab.http(lab.origin(handler), relay=cutter)
    visitor = lab.visit(lab.the_relay)
    visitor.sock.settimeout(120)
    visitor.send(web.request("PUT", "/", f"Content-Length: {size}"))
    bulk.send(visitor, size)
    assert visitor.read_response()[1].decode() == bulk.digest(size)
    check_line(cutter, web, cuts)


@forms
def test_both_ways_at_once_in_a_tcp_tunnel(lab, size, cuts):
    got = []

    def handler(wire):
        sender = threading.Thread(target=bulk.send, args=(wire, size // 2))
        sender.start()
        got.append(bulk.receive(wire, size // 2))
        sender.join()
    cutter = cut_line(lab, size, cuts)
    tunnel = lab.tcp(lab.origin(handler), relay=cutter)
    visitor = lab.visit(tunnel)
    visitor.sock.settimeout(120)
    sender = threading.Thread(target=bulk.send, args=(visitor, size // 2))
    sender.start()
    assert bulk.receive(visitor, size // 2) == bulk.digest(size // 2)
    sender.join()
    assert visitor.read_to_end() == b""
    assert got == [bulk.digest(size // 2)]
    check_line(cutter, tunnel, cuts)


@pytest.mark.parametrize("cuts", [4, pytest.param(10, marks=[pytest.mark.long,
                                                             pytest.mark.limit(300)])])
def test_a_websocket(lab, cuts):
    async def echo(ws):
        async for message in ws:
            await ws.send(message)
    cutter = lab.cutter()
    web = lab.http(lab.websocket(echo), relay=cutter)

    async def talk():
        async with websockets.connect(f"ws://{web.host}/", host="127.0.0.1",
                                      port=lab.the_relay.port, ping_interval=None) as ws:
            for n in range(cuts):
                await ws.send(f"before {n}")
                cutter.cut()
                await ws.send(f"after {n}")
                assert await asyncio.wait_for(ws.recv(), 60) == f"before {n}"
                assert await asyncio.wait_for(ws.recv(), 60) == f"after {n}"
    asyncio.run(talk())


def echo(wire):
    while data := wire.read_some():
        wire.send(data)


@pytest.mark.parametrize("carrier", ["tls", "wss", "tcp", "ws"])
def test_a_conversation(lab, carrier):
    cutter = lab.cutter()
    tunnel = lab.tcp(lab.origin(echo), relay=cutter, carrier=carrier)
    visitor = lab.visit(tunnel)
    for n in range(4):
        visitor.send(b"%04d" % n)
        if n:
            cutter.cut()
        assert visitor.read_exact(4) == b"%04d" % n
        lab.eventually(lambda: tunnel.agent.events("link")[-1]["state"] == "up")


def test_what_is_said_while_there_is_no_line_arrives_afterwards(lab):
    cutter = lab.cutter()
    tunnel = lab.tcp(lab.origin(echo), relay=cutter)
    visitor = lab.visit(tunnel)
    cutter.refuse()
    cutter.cut()
    tunnel.agent.wait_event("link", state="down")
    visitor.send(b"meanwhile")
    late = lab.visit(tunnel)  # somebody who comes only now
    late.send(b"late")
    cutter.refuse(False)
    assert visitor.read_exact(9) == b"meanwhile"
    assert late.read_exact(4) == b"late"


def test_a_hundred_idle_streams(lab):
    cutter = lab.cutter()
    tunnel = lab.tcp(lab.origin(echo), relay=cutter)
    visitors = [lab.visit(tunnel) for _ in range(100)]
    for _ in range(3):
        for visitor in visitors:
            visitor.send(b"x")
        for visitor in visitors:
            assert visitor.read_exact(1) == b"x"
        cutter.cut()
    for visitor in visitors:
        visitor.send(b"end")
        visitor.half_close()
    for visitor in visitors:
        assert visitor.read_to_end() == b"end"
