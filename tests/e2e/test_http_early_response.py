"""An answer that comes before the request has ended reaches the visitor."""

from support.wire import answer


def test_an_early_refusal_is_seen(lab):
    def handler(wire):
        wire.read_head()
        wire.read_exact(10_000)
        wire.send(answer(b"enough", "413 Content Too Large", ["Connection: close"]))
        wire.half_close()
        wire.read_to_end()
    web = lab.http(lab.origin(handler))
    visitor = lab.visit(web)
    visitor.send(web.request("POST", "/", "Content-Length: 100000000"))
    visitor.send(b"x" * 20_000)
    head, body = visitor.read_response()
    assert (head.status, body) == (413, b"enough")


def test_both_halves_run_at_once(lab):
    """The answer starts first; the rest of the request still arrives."""
    def handler(wire):
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        wire.send_chunk(b"go on")
        assert wire.read_exact(3) == b"abc"
        wire.send_chunk(b"done")
        wire.send(b"0\r\n\r\n")
    web = lab.http(lab.origin(handler))
    visitor = lab.visit(web)
    visitor.send(web.request("POST", "/", "Content-Length: 3"))
    visitor.read_head()
    visitor.read_until(b"go on\r\n")
    visitor.send(b"abc")
    assert visitor.read_chunked()[0] == b"done"
