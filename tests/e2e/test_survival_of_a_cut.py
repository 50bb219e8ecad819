"""A cut link costs nobody their connection: the session is resumed on a new carrier."""

import hashlib
import socket
import threading
import time

import pytest

from support.wire import answer, http_origin, random_bytes


class Wire:
    """A wire between agents and a relay that can be cut, closed and opened again. Stands in for
    the relay where an agent asks for its address."""

    def __init__(self, relay):
        self.relay, self.host, self.pin, self.data = relay, relay.host, relay.pin, relay.data
        self.pairs = []
        self.carried = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, carrier="tls"):
        return f"{carrier}://127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.relay.port))
            except OSError:
                return
            self.pairs.append((near, far))
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(a, b), daemon=True).start()

    def _carry(self, source, sink):
        try:
            while chunk := source.recv(65536):
                sink.sendall(chunk)
                self.carried += len(chunk)
        except OSError:
            pass
        cut_off(source)
        cut_off(sink)

    def cut(self):
        pairs, self.pairs = self.pairs, []
        for sock in (s for pair in pairs for s in pair):
            cut_off(sock)


def cut_off(sock):
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


@pytest.fixture
def wire(lab):
    cuttable = Wire(lab.the_relay)
    yield cuttable
    cuttable.listener.close()  # what is open ends with the agent


# A link that lived so long is dialled anew at once; after a shorter life the agent hesitates.
BETWEEN_CUTS = 1.2


def echo(visitor_wire):
    while chunk := visitor_wire.sock.recv(65536):
        visitor_wire.send(chunk)


def send_slowly(data):
    def respond(origin_wire, _head):
        origin_wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data))
        for at in range(0, len(data), 1 << 20):
            origin_wire.send(data[at:at + (1 << 20)])
            time.sleep(0.1)
    return http_origin(respond)


def get(lab, wire, name):
    """As a visitor, who comes by another way than the agent."""
    return lab.curl(f"http://127.0.0.1:{wire.relay.port}/", "-H", f"Host: {name}.localhost")


@pytest.mark.parametrize("carrier", ["tls", "wss", "tcp"])
def test_a_tcp_visitor_goes_on_after_each_cut(lab, wire, carrier):
    tunnel = lab.tcp(lab.origin(echo), relay=wire, carrier=carrier)
    visitor = lab.visit(tunnel)
    for i in range(5):
        word = b"%04d" % i
        visitor.send(word)
        assert visitor.read_exact(4) == word
        time.sleep(BETWEEN_CUTS)
        wire.cut()
    visitor.send(b"last")
    assert visitor.read_exact(4) == b"last"


def test_a_download_has_the_same_hash_after_five_cuts(lab, wire):
    data = random_bytes(64 << 20)
    lab.http(lab.origin(send_slowly(data)), "big", relay=wire)
    got = {}
    fetch = threading.Thread(target=lambda: got.update(page=get(lab, wire, "big")))
    fetch.start()
    for _ in range(5):
        time.sleep(BETWEEN_CUTS)
        assert fetch.is_alive()
        wire.cut()
    fetch.join(40)
    assert hashlib.sha256(got["page"].body).digest() == hashlib.sha256(data).digest()


def test_what_waits_while_there_is_no_link_arrives_afterwards(lab, wire):
    tunnel = lab.tcp(lab.origin(echo), relay=wire)
    visitor = lab.visit(tunnel)
    visitor.send(b"one")
    assert visitor.read_exact(3) == b"one"
    wire.listener.close()
    wire.cut()
    tunnel.agent.wait_event("link", state="down")
    visitor.send(b"two")
    time.sleep(0.5)
    wire.listener = socket.create_server(("127.0.0.1", wire.port))
    threading.Thread(target=wire._accept, daemon=True).start()
    assert visitor.read_exact(3) == b"two"


def test_a_relay_that_forgot_the_session_gets_a_fresh_login(lab, wire):
    """The same address, another process: streams are gone, tunnels come back."""
    page = http_origin(lambda w, head: w.send(answer(b"back")))
    web = lab.http(lab.origin(page), "blog", relay=wire)
    wire.relay.kill()
    wire.cut()
    wire.relay = lab.restart(wire.relay)
    lab.eventually(lambda: get(lab, wire, "blog").body == b"back")
    assert len(web.agent.events("link", state="up")) >= 2
