"""Requests that two readers could read differently are answered by the relay and never reach the
origin; what it accepts reaches the origin as exactly one request each."""

import re

from support.wire import answer, http_origin

GET = b"GET / HTTP/1.1\r\nHost: HOST\r\n"
POST = b"POST / HTTP/1.1\r\nHost: HOST\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: HOST\r\n\r\n"

BAD_HEADS = {
    "both lengths": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "the same length twice": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n\r\nhello",
    "a signed length": POST + b"Content-Length: +5\r\n\r\nhello",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a hexadecimal length": POST + b"Content-Length: 0x5\r\n\r\nhello",
    "a length beyond 64 bits": POST + b"Content-Length: 18446744073709551621\r\n\r\nhello",
    "an empty length": POST + b"Content-Length:\r\n\r\n",
    "a blank inside a length": POST + b"Content-Length: 1 0\r\n\r\n0123456789",
    "two codings": POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n0\r\n\r\n",
    "a coding in a list": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked, then something": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\nhello",
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a vertical tab before chunked": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a quoted coding": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "a coding in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n"
                            b"0\r\n\r\n",
    "a blank before the colon": POST + b"Content-Length : 5\r\n\r\nhello",
    "a tab before the colon": POST + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    "a folded line": GET + b"X-A: one\r\n two\r\n\r\n",
    "a folded first line": b"GET / HTTP/1.1\r\n Host: HOST\r\n\r\n",
    "a folded length": POST + b"Content-Length:\r\n 5\r\n\r\nhello",
    "bare LF after the request line": b"GET / HTTP/1.1\nHost: HOST\r\n\r\n",
    "bare LF after a field": GET + b"X-A: one\nX-B: two\r\n\r\n",
    "bare LF at the end": GET + b"X-A: one\r\n\n",
    "bare CR in a value": GET + b"X-A: one\rX-B: two\r\n\r\n",
    "bare CR in the target": b"GET /\r HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "CR CR LF": GET + b"X-A: one\r\r\n\r\n",
    "NUL in a value": GET + b"X-A: o\0ne\r\n\r\n",
    "NUL in a name": GET + b"X\0A: one\r\n\r\n",
    "NUL in the target": b"GET /\0 HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "DEL in a value": GET + b"X-A: o\x7fne\r\n\r\n",
    "a line without a colon": GET + b"nonsense\r\n\r\n",
    "an empty name": GET + b": value\r\n\r\n",
    "a name that is no token": GET + b"X(A): value\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": GET + b"Host: other.localhost\r\n\r\n",
    "the same Host twice": GET + b"Host: HOST\r\n\r\n",
    "two names in one Host": b"GET / HTTP/1.1\r\nHost: HOST, other\r\n\r\n",
    "a Host with user information": b"GET / HTTP/1.1\r\nHost: you@HOST\r\n\r\n",
    "a Host with a path": b"GET / HTTP/1.1\r\nHost: HOST/x\r\n\r\n",
    "absolute form against Host": b"GET http://other.localhost/ HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "absolute form, strange scheme": b"GET ftp://HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "absolute form, user information": b"GET http://you@HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "a target that is none": b"GET nothing HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "an asterisk without OPTIONS": b"GET * HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "a fragment": b"GET /#a b HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "two blanks in the request line": b"GET  / HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "a tab in the request line": b"GET\t/ HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "a blank behind the version": b"GET / HTTP/1.1 \r\nHost: HOST\r\n\r\n",
    "a method that is no token": b"G(T / HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "a lower-case version": b"GET / http/1.1\r\nHost: HOST\r\n\r\n",
    "a long version": b"GET / HTTP/1.10\r\nHost: HOST\r\n\r\n",
    "garbage": b"\x01\x02\x03\x04\r\n\r\n",
}


class Witness:
    """An origin that counts what reaches it."""

    def __init__(self, lab):
        self.requests = []
        self.web = lab.http(lab.origin(http_origin(self.respond)))
        self.lab = lab
        lab.the_relay.wait_line("tunnel bound")  # the last line before the attacks

    def respond(self, wire, head):
        body = wire.read_body(head) if head.get("content-length") or \
            head.get("transfer-encoding") else b""
        self.requests.append((head.start, body))
        wire.send(answer())

    def attack(self, sent):
        """What comes back, to the end."""
        visitor = self.lab.visit(self.web)
        visitor.send(sent.replace(b"HOST", self.web.host.encode()))
        visitor.half_close()
        return visitor.read_to_end()


def statuses(answers):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answers)]


def test_heads_with_two_meanings_are_refused_by_the_relay(lab):
    witness = Witness(lab)
    for what, sent in BAD_HEADS.items():
        lines = len(lab.the_relay.stderr())
        assert statuses(witness.attack(sent + HIDDEN)) in ([400], [501], [505]), what
        lab.eventually(lambda: len(lab.the_relay.stderr()) > lines, 2)
        said = lab.the_relay.stderr()[lines:]
        assert len(said) == 1 and "request refused" in said[0], (what, said)
    assert witness.requests == []
    assert lab.curl(witness.web.url).status == 200


TOO_MUCH = {
    "a long target": (b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\nHost: HOST\r\n\r\n", 414),
    "a method without end": (b"A" * 70000, 414),
    "a long field": (GET + b"X: " + b"a" * 70000 + b"\r\n\r\n", 431),
    "a head without end": (GET + b"X-A: one\r\n" * 9000, 431),
    "many fields": (GET + b"a:\r\n" * 10000 + b"\r\n", 431),
    "HTTP/2 with prior knowledge": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "an unknown version": (b"GET / HTTP/3.7\r\nHost: HOST\r\n\r\n", 505),
}


def test_what_is_too_much_has_its_status(lab):
    witness = Witness(lab)
    for what, (sent, status) in TOO_MUCH.items():
        assert statuses(witness.attack(sent)) == [status], what
    assert witness.requests == []


BAD_CHUNKS = {
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "a size that is no number": b"xyz\r\nhello\r\n0\r\n\r\n",
    "a signed size": b"+5\r\nhello\r\n0\r\n\r\n",
    "a negative size": b"-5\r\nhello\r\n0\r\n\r\n",
    "0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a size that overflows": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a blank behind the size": b"5 \r\nhello\r\n0\r\n\r\n",
    "a blank before the size": b" 5\r\nhello\r\n0\r\n\r\n",
    "bare LF behind the size": b"5\nhello\r\n0\r\n\r\n",
    "bare CR behind the size": b"5\rhello\r\n0\r\n\r\n",
    "bare LF behind the bytes": b"5\r\nhello\n0\r\n\r\n",
    "more bytes than the size": b"5\r\nhello!\r\n0\r\n\r\n",
    "LF in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "an extension without end": b"5;" + b"a" * 100000 + b"\r\nhello\r\n0\r\n\r\n",
    "bare LF at the end": b"5\r\nhello\r\n0\n\n",
    "a folded trailer": b"0\r\nX-A: a\r\n b\r\n\r\n",
    "a trailer without a colon": b"0\r\nnonsense\r\n\r\n",
    "trailers without end": b"0\r\n" + b"X-A: a\r\n" * 20000,
}


def test_broken_chunks_end_their_request_and_nothing_behind_it_is_read(lab):
    witness = Witness(lab)
    for what, chunks in BAD_CHUNKS.items():
        got = statuses(witness.attack(CHUNKED + chunks + HIDDEN))
        assert got in ([400], [413]), (what, got)
    assert witness.requests == []
    assert lab.curl(witness.web.url).status == 200


FINE = {
    "a body sized": (POST + b"Content-Length: 5\r\n\r\nhello", b"hello"),
    "a body that looks like a request": (POST + b"Content-Length: 24\r\n\r\n"
                                         b"GET /hidden HTTP/1.1\r\n\r\n",
                                         b"GET /hidden HTTP/1.1\r\n\r\n"),
    "chunks": (CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    "chunks with an extension": (CHUNKED + b"5;a=b\r\nhello\r\n0\r\n\r\n", b"hello"),
    "chunks with leading zeros": (CHUNKED + b"0005\r\nhello\r\n000\r\n\r\n", b"hello"),
    "a length named by Connection": (POST + b"Content-Length: 5\r\nConnection: content-length\r\n"
                                     b"\r\nhello", b"hello"),
    "a coding named by Connection": (POST + b"Transfer-Encoding: chunked\r\n"
                                     b"Connection: transfer-encoding\r\n\r\n"
                                     b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    "a GET with a body": (GET + b"Content-Length: 5\r\n\r\nhello", b"hello"),
    "absolute form": (b"GET http://HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n", b""),
}


def test_each_accepted_request_is_one_request_at_the_origin(lab):
    witness = Witness(lab)
    for what, (sent, body) in FINE.items():
        witness.requests.clear()
        got = statuses(witness.attack(sent + GET + b"\r\n"))
        assert got == [200, 200], (what, got)
        assert [b for _, b in witness.requests] == [body, b""], what
