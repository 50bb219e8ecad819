"""WebSockets pass: after the upgrade a tunnel is only a stream."""

import asyncio

import pytest
import websockets

from support.wire import random_bytes


async def echo(ws):
    async for message in ws:
        await ws.send(message)


def visit(web, talk, **options):
    async def run():
        async with websockets.connect(f"ws://{web.host}/chat?room=1", host="127.0.0.1",
                                      port=web.port, max_size=None, **options) as ws:
            return await asyncio.wait_for(talk(ws), 20)
    return asyncio.run(run())


def test_text_and_binary_are_echoed(lab):
    web = lab.http(lab.websocket(echo))

    async def talk(ws):
        for message in ("hello", "\u00fcber", b"\x00\xff", "", random_bytes(3 << 20)):
            await ws.send(message)
            assert await ws.recv() == message
    visit(web, talk)


def test_both_sides_speak_at_once(lab):
    async def count(ws):
        for n in range(500):
            await ws.send(str(n))
        assert [int(await ws.recv()) for _ in range(500)] == list(range(500))
    web = lab.http(lab.websocket(count))
    visit(web, count)


def test_ping_and_close_code(lab):
    async def bye(ws):
        await ws.recv()
        await ws.close(4321, "enough")
    web = lab.http(lab.websocket(bye))

    async def talk(ws):
        await (await ws.ping())
        await ws.send("x")
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await ws.recv()
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4321, "enough")
    visit(web, talk)


def test_subprotocol_and_compression_are_negotiated_end_to_end(lab):
    server_saw = []

    async def handler(ws):
        server_saw.append(ws.request_headers["Sec-WebSocket-Extensions"])
        await ws.send("ready")
    web = lab.http(lab.websocket(handler))

    async def talk(ws):
        assert await ws.recv() == "ready"
    visit(web, talk, compression="deflate")
    assert "permessage-deflate" in server_saw[0]


def test_a_refused_upgrade_is_an_answer(lab):
    def handler(wire):
        wire.read_head()
        wire.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    web = lab.http(lab.origin(handler))
    with pytest.raises(websockets.InvalidStatusCode) as refused:
        visit(web, None)
    assert refused.value.status_code == 403
