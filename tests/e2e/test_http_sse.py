"""Server-sent events reach the visitor one by one, when they are sent."""

import threading


def test_each_event_is_flushed_at_once(lab):
    may_send = threading.Semaphore(0)

    def handler(wire):
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for number in range(5):
            assert may_send.acquire(timeout=10)
            wire.send(b"data: %d\n\n" % number)
    web = lab.http(lab.origin(handler))
    visitor = lab.visit(web)
    visitor.send(web.request("GET", "/", "Accept: text/event-stream"))
    assert visitor.read_head().get("content-type") == "text/event-stream"
    for number in range(5):
        may_send.release()  # the next event is sent only after this one was seen
        visitor.read_until(b"data: %d\n\n" % number)


def test_the_origin_learns_that_the_visitor_left(lab):
    has_left = threading.Event()

    def handler(wire):
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        try:
            wire.read_to_end()
        except OSError:
            pass
        has_left.set()
    web = lab.http(lab.origin(handler))
    visitor = lab.visit(web)
    visitor.send(web.request())
    visitor.read_until(b"data: 1\n\n")
    visitor.close()
    assert has_left.wait(5)
