"""A relay that is killed takes its connections with it; nobody mistakes that for their proper end,
and a restarted one is found again, with the same names and ports."""

import threading

import pytest

from support.wire import answer, http_origin, random_bytes

MB = 1 << 20


class Witness:
    """An origin's end of a connection: what it got, and how it ended."""

    def __init__(self):
        self.got = b""
        self.end = None
        self.has_begun = threading.Event()
        self.is_over = threading.Event()

    def watch(self, wire):
        wire.send(b"hello")
        try:
            while data := wire.read_some():
                self.got += data
                self.has_begun.set()
            self.end = "end"
        except ConnectionResetError:
            self.end = "reset"
        finally:
            self.is_over.set()


def test_an_origin_sees_a_reset_not_an_end(lab):
    witness = Witness()
    tunnel = lab.tcp(lab.origin(witness.watch))
    visitor = lab.visit(tunnel)
    assert visitor.read_exact(5) == b"hello"
    visitor.send(b"half of what I wanted to s")
    assert witness.has_begun.wait(5)
    lab.the_relay.kill()
    lab.restart(lab.the_relay)
    assert witness.is_over.wait(15)
    assert witness.end == "reset"
    assert tunnel.agent.wait_event("stream")["reason"]


def test_a_visitor_sees_a_broken_download(lab):
    web = lab.http(lab.origin(http_origin(
        lambda wire, head: (wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                            wire.send_chunk(random_bytes(MB)), wire.read_to_end()))))
    visitor = lab.visit(lab.the_relay)
    visitor.send(web.request())
    visitor.read_head()
    size = visitor.read_until(b"\r\n")
    visitor.unread = size + visitor.read_exact(1000) + visitor.unread
    lab.the_relay.kill()
    with pytest.raises((EOFError, ConnectionResetError)):
        visitor.read_chunked()


def test_names_and_ports_are_the_same_again(lab):
    web = lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer(b"web")))))
    ssh = lab.tcp(lab.origin(lambda wire: wire.send(b"ssh")), relay=lab.the_relay)
    for _ in range(2):
        lab.the_relay.kill()
        lab.restart(lab.the_relay)
        lab.eventually(lambda: lab.curl(web.url, check=False).body == b"web")
        lab.eventually(lambda: lab.visit(ssh).read_to_end() == b"ssh")


def test_until_its_agent_is_back_a_visitor_hears_503(lab):
    web = lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer(b"web")))))
    web.agent.stop()
    assert lab.curl(web.url).status == 503
    lab.the_relay.kill()
    relay = lab.restart(lab.the_relay)
    got = lab.curl(web.url)
    assert got.status == 503 and int(got.get("Retry-After")) > 0
    assert lab.curl(f"http://nobody.localhost:{relay.port}/").status == 404


def test_an_agent_waits_for_a_relay_that_is_not_there_yet(lab):
    relay = lab.relay()
    token = lab.token(relay, "t")
    relay.kill()
    agent = lab.agent("http", lab.origin(http_origin(
        lambda wire, head: wire.send(answer(b"late")))).target, relay=relay, token=token)
    assert agent.wait_event("link", state="down")["reason"]
    lab.restart(relay)
    web = lab.tunnel(agent, seconds=30)
    assert lab.curl(web.url).body == b"late"
