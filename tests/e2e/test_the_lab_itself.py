"""The harness works without adit in between: what these tests prove cannot be blamed on it."""

import asyncio
import subprocess

import pytest
import websockets

from support.wire import answer, connect, http_origin


def test_a_raw_origin_answers_curl(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(head.start.encode()))))
    assert lab.curl(f"http://127.0.0.1:{origin.port}/x?y").body == b"GET /x?y HTTP/1.1"


def test_nginx_serves_files(lab):
    nginx = lab.nginx()
    (nginx.www / "a.txt").write_bytes(b"0123456789")
    assert lab.curl(f"http://127.0.0.1:{nginx.port}/a.txt", "-r", "2-4").body == b"234"


def test_sshd_lets_its_user_in(lab):
    sshd = lab.sshd()
    done = subprocess.run(["ssh", *sshd.client_options(), "-p", str(sshd.port), sshd.address(),
                           "echo in"], capture_output=True, check=False)
    assert done.stdout == b"in\n", done.stderr


def test_a_websocket_echoes(lab):
    async def echo(ws):
        async for message in ws:
            await ws.send(message)

    server = lab.websocket(echo)

    async def visit():
        async with websockets.connect(f"ws://127.0.0.1:{server.port}") as ws:
            await ws.send("hi")
            return await ws.recv()
    assert asyncio.run(visit()) == "hi"


def test_reset_is_told_from_end(lab):
    def handler(wire):
        wire.read_exact(1)
        wire.reset()
    wire = lab.visit(lab.origin(handler))
    wire.send(b"x")
    with pytest.raises(ConnectionResetError):
        wire.read_to_end()


def test_a_failed_assertion_in_an_origin_is_told(lab):
    def handler(wire):
        assert wire.read_exact(1) == b"y"
    origin = lab.origin(handler)
    with connect(origin.port) as wire:
        wire.send(b"x")
        wire.read_to_end()
    with pytest.raises(AssertionError):
        origin.check()
    origin.failures.clear()
