"""What one server may read in one way and the next one in another never reaches the origin: it is
refused with its status and one line in the log, and nothing else is disturbed."""

import pytest

from support.wire import answer, http_origin

HOST = "Host: HOST"  # stands for the tunnel's own

# what is wrong: status, request line, header lines
REFUSED = {
    "both lengths": (400, "POST / HTTP/1.1",
                     [HOST, "Content-Length: 4", "Transfer-Encoding: chunked"]),
    "two lengths": (400, "POST / HTTP/1.1", [HOST, "Content-Length: 4", "Content-Length: 5"]),
    "a list of lengths": (400, "POST / HTTP/1.1", [HOST, "Content-Length: 4, 4"]),
    "a signed length": (400, "POST / HTTP/1.1", [HOST, "Content-Length: +4"]),
    "a length beyond 63 bits": (400, "POST / HTTP/1.1",
                                [HOST, "Content-Length: 9223372036854775808"]),
    "another coding": (501, "POST / HTTP/1.1", [HOST, "Transfer-Encoding: gzip, chunked"]),
    "chunked twice": (400, "POST / HTTP/1.1", [HOST] + ["Transfer-Encoding: chunked"] * 2),
    "chunked in HTTP/1.0": (400, "POST / HTTP/1.0", [HOST, "Transfer-Encoding: chunked"]),
    "two hosts": (400, "GET / HTTP/1.1", [HOST, HOST]),
    "no host": (400, "GET / HTTP/1.1", []),
    "a host with a path": (400, "GET / HTTP/1.1", ["Host: a/b"]),
    "a target against the host": (400, "GET http://other/ HTTP/1.1", [HOST]),
    "a folded line": (400, "GET / HTTP/1.1", [HOST, "A: b", " c: d"]),
    "a blank before the colon": (400, "GET / HTTP/1.1", [HOST, "Content-Length : 4"]),
    "a bare carriage return": (400, "GET / HTTP/1.1", [HOST, "A: b\rC: d"]),
    "a NUL": (400, "GET / HTTP/1.1", [HOST, "A: \0"]),
    "a fragment": (400, "GET /#a HTTP/1.1", [HOST]),
    "two blanks": (400, "GET  / HTTP/1.1", [HOST]),
    "HTTP/0.9": (400, "GET /", []),
    "HTTP/2.0": (505, "GET / HTTP/2.0", [HOST]),
    "a long target": (414, "GET /" + "a" * 40_000 + " HTTP/1.1", [HOST]),
    "a long head": (431, "GET / HTTP/1.1", [HOST, "A: " + "b" * 70_000]),
    "many fields": (431, "GET / HTTP/1.1", [HOST] + ["A: b"] * 300),
}

BAD_CHUNKS = {
    "no size": b"\r\n",
    "a sign": b"+1\r\na\r\n",
    "a prefix": b"0x1\r\na\r\n",
    "a blank": b"1 \r\na\r\n",
    "a bare line feed": b"1\na\n",
    "too long for its size": b"1\r\nab\r\n",
    "a huge size": b"fffffffffffffffff\r\n",
    "an endless extension": b"1;" + b"x" * 2000,
}


def refusals(lab):
    return sum("request refused" in line for line in lab.the_relay.stderr())


@pytest.fixture
def web(lab):
    seen = []

    def respond(wire, head):
        seen.append(head.start)
        if head.get("content-length"):
            wire.read_body(head)
        wire.send(answer(b"untouched"))
    tunnel = lab.http(lab.origin(http_origin(respond)))
    tunnel.seen = seen
    return tunnel


def assert_undisturbed(lab, web, others):
    """Visitors who were there before, and new ones, are served as ever; no attack came through."""
    for visitor in others + [lab.visit(web)]:
        visitor.send(web.request("GET", "/fine"))
        assert visitor.read_response()[1] == b"untouched"
    assert set(web.seen) == {"GET /fine HTTP/1.1"}


def test_hostile_heads_are_refused(lab, web):
    others = [lab.visit(web) for _ in range(3)]
    own_host = f"Host: {web.host}"
    for name, (status, start, lines) in REFUSED.items():
        before = refusals(lab)
        visitor = lab.visit(web)
        lines = [own_host if line == HOST else line for line in lines]
        visitor.send("\r\n".join([start, *lines, "", ""]).encode("latin-1"))
        assert visitor.read_response()[0].status == status, name
        assert visitor.read_to_end() == b"", name
        lab.eventually(lambda: refusals(lab) == before + 1)
    assert_undisturbed(lab, web, others)


def test_bare_line_feeds_are_refused(lab, web):
    visitor = lab.visit(web)
    visitor.send(f"GET / HTTP/1.1\nHost: {web.host}\n\n".encode())
    assert visitor.read_response()[0].status == 400
    assert_undisturbed(lab, web, [])


def test_hostile_chunks_are_refused(lab):
    def drain(wire):
        try:
            wire.read_to_end()
        except OSError:
            pass
    web = lab.http(lab.origin(drain))
    for name, chunk in BAD_CHUNKS.items():
        before = refusals(lab)
        visitor = lab.visit(web)
        visitor.send(web.request("POST", "/", "Transfer-Encoding: chunked") + chunk)
        assert visitor.read_response()[0].status == 400, name
        lab.eventually(lambda: refusals(lab) == before + 1)


def test_a_smuggled_request_is_not_seen(lab, web):
    """The body of one request is never the head of the next."""
    visitor = lab.visit(web)
    hidden = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
    visitor.send(web.request("POST", "/fine", f"Content-Length: {len(hidden)}",
                             "Connection: content-length") + hidden)
    assert visitor.read_response()[1] == b"untouched"
    assert web.seen == ["POST /fine HTTP/1.1"]


def test_hundreds_of_silent_visitors_do_not_matter(lab, web):
    silent = [lab.visit(web) for _ in range(400)]
    for visitor in silent[::2]:
        visitor.send(b"GET / HTT")  # and no more
    assert_undisturbed(lab, web, [])
