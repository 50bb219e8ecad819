"""Informational responses pass as the origin sends them; nobody invents one."""

import socket

import pytest

from support.wire import answer


def test_the_body_waits_for_100(lab):
    def handler(wire):
        assert wire.read_head().get("expect") == "100-continue"
        wire.sock.settimeout(0.3)
        with pytest.raises(socket.timeout):
            wire.read_exact(1)  # nothing comes before our 100
        wire.sock.settimeout(20)
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert wire.read_exact(4) == b"body"
        wire.send(answer(b"got it"))
    web = lab.http(lab.origin(handler))
    visitor = lab.visit(web)
    visitor.send(web.request("POST", "/", "Content-Length: 4", "Expect: 100-continue"))
    assert visitor.read_head().status == 100
    visitor.send(b"body")
    assert visitor.read_response()[1] == b"got it"


def test_a_refusal_instead_of_100(lab):
    def handler(wire):
        wire.read_head()
        wire.send(answer(b"too large", "413 Content Too Large", ["Connection: close"]))
    web = lab.http(lab.origin(handler))
    visitor = lab.visit(web)
    visitor.send(web.request("POST", "/", "Content-Length: 4000000", "Expect: 100-continue"))
    head, body = visitor.read_response()
    assert (head.status, body) == (413, b"too large")


def test_103_comes_before_the_answer(lab):
    def handler(wire):
        wire.read_head()
        wire.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        wire.send(answer())
    web = lab.http(lab.origin(handler))
    visitor = lab.visit(web)
    visitor.send(web.request())
    hints = visitor.read_head()
    assert (hints.status, hints.get("link")) == (103, "</a.css>; rel=preload")
    assert visitor.read_head().status == 200
