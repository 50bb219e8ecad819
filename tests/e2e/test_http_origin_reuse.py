"""Idle connections to the origin are used again, and a stale one never costs a request."""

import time

from support.wire import answer, http_origin


def test_one_origin_connection_serves_many_requests(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer())))
    web = lab.http(origin)
    for _ in range(10):
        assert lab.curl(web.url).status == 200
    assert origin.connection_count == 1


def test_a_post_survives_an_origin_that_closed_its_idle_connection(lab):
    def handler(wire):
        head = wire.read_head()
        wire.send(answer(wire.read_body(head)))
        # and closes, although it has not said so
    origin = lab.origin(handler)
    web = lab.http(origin)
    for n in range(20):
        body = f"number {n}"
        assert lab.curl(web.url, "-d", body).body == body.encode()
    assert origin.connection_count == 20


def test_connection_close_is_not_reused(lab):
    def handler(wire):
        wire.read_head()
        wire.send(answer(headers=["Connection: close"]))
        assert wire.read_to_end() == b""  # no second request comes here
    web = lab.http(lab.origin(handler))
    for _ in range(3):
        assert lab.curl(web.url).status == 200


def test_left_over_bytes_never_reach_the_next_visitor(lab):
    def respond(wire, head):
        wire.send(answer(b"mine") + answer(b"not yours"))
    web = lab.http(lab.origin(http_origin(respond)))
    for _ in range(5):
        assert lab.curl(web.url).body == b"mine"
        time.sleep(0.02)
