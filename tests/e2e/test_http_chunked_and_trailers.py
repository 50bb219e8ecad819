"""Chunked bodies and their trailers pass both ways."""

from support.wire import answer, http_origin


def test_response_trailers_arrive(lab):
    def respond(wire, head):
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
        wire.send_chunk(b"one ")
        wire.send_chunk(b"two")
        wire.send(b"0\r\nX-Sum: 42\r\n\r\n")
    web = lab.http(lab.origin(http_origin(respond)))
    visitor = lab.visit(web)
    visitor.send(web.request("GET", "/", "TE: trailers"))
    assert visitor.read_head().get("trailer") == "X-Sum"
    assert visitor.read_chunked() == (b"one two", ["X-Sum: 42"])


def test_request_trailers_arrive(lab):
    def respond(wire, head):
        body, trailers = wire.read_chunked()
        wire.send(answer(body + b"|" + ",".join(trailers).encode()))
    web = lab.http(lab.origin(http_origin(respond)))
    visitor = lab.visit(web)
    visitor.send(web.request("POST", "/", "Transfer-Encoding: chunked", "Trailer: X-Sum"))
    visitor.send_chunk(b"abc")
    visitor.send(b"0\r\nX-Sum: 7\r\n\r\n")
    assert visitor.read_response()[1] == b"abc|X-Sum: 7"


def test_a_chunk_is_passed_on_before_the_next_comes(lab):
    def respond(wire, head):
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            size = int(wire.read_until(b"\r\n"), 16)
            wire.send_chunk(wire.read_exact(size))
            wire.read_exact(2)
    web = lab.http(lab.origin(http_origin(respond)))
    visitor = lab.visit(web)
    visitor.send(web.request("POST", "/", "Transfer-Encoding: chunked"))
    assert visitor.read_head().status == 200  # before the request has ended
    for word in (b"ping", b"pong", b"x" * 1000):
        visitor.send_chunk(word)
        assert visitor.read_until(b"\r\n") == b"%x\r\n" % len(word)
        assert visitor.read_exact(len(word) + 2) == word + b"\r\n"


def test_chunks_for_a_http_1_0_visitor_become_a_plain_body(lab):
    def respond(wire, head):
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        wire.send_chunk(b"plain")
        wire.send(b"0\r\n\r\n")
    web = lab.http(lab.origin(http_origin(respond)))
    visitor = lab.visit(web)
    visitor.send(f"GET / HTTP/1.0\r\nHost: {web.host}\r\n\r\n".encode())
    assert visitor.read_head().get("transfer-encoding") is None
    assert visitor.read_to_end() == b"plain"
