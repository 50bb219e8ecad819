"""An origin that answers what two readers could read differently is answered for by the relay: 502
if nothing was forwarded yet, a cut connection if something was, never a whole answer made of half."""

OK = b"HTTP/1.1 200 OK\r\n"

REFUSED = {
    "both lengths": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a list of lengths": OK + b"Content-Length: 5, 5\r\n\r\nhello",
    "another coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a folded line": OK + b"A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a bare carriage return": OK + b"A: b\rSet-Cookie: x=1\r\nContent-Length: 0\r\n\r\n",
    "a NUL": OK + b"A: \0\r\nContent-Length: 0\r\n\r\n",
    "a blank before the colon": OK + b"Content-Length : 5\r\n\r\nhello",
    "HTTP/2": b"HTTP/2 200 OK\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 99 OK\r\nContent-Length: 0\r\n\r\n",
    "an upgrade nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
                                   b"Connection: upgrade\r\n\r\n",
    "a huge head": OK + b"A: " + b"b" * 100000 + b"\r\n\r\n",
    "half a head": OK + b"Content-Le",
}

CUT = {
    "half a body": OK + b"Content-Length: 100\r\n\r\nhello",
    "a body without its last chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "a broken chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n",
}


class Villain:
    """Answers every request with the bytes it is given, and closes."""

    def __init__(self, lab):
        self.answer = b""
        self.lab = lab
        self.web = lab.http(lab.origin(self.handle))

    def handle(self, wire):
        wire.read_head()
        wire.send(self.answer)

    def visit(self, answer):
        self.answer = answer
        visitor = self.lab.visit(self.web)
        visitor.send(self.web.request())
        return visitor


def test_heads_that_cannot_be_are_502(lab):
    villain = Villain(lab)
    for what, answer in REFUSED.items():
        visitor = villain.visit(answer)
        assert visitor.read_response()[0].status == 502, what
        villain.answer = OK + b"Content-Length: 2\r\n\r\nok"
        visitor.send(villain.web.request())
        assert visitor.read_response()[1] == b"ok", what


def test_bodies_that_end_too_early_end_with_a_reset(lab):
    villain = Villain(lab)
    for what, answer in CUT.items():
        visitor = villain.visit(answer)
        assert visitor.read_head().status == 200
        try:
            rest = visitor.read_to_end()
        except ConnectionResetError:
            continue
        raise AssertionError(f"{what}: a clean end after {rest!r}")


def test_what_stands_behind_an_answer_is_nobodys_answer(lab):
    villain = Villain(lab)
    evil = OK + b"Content-Length: 4\r\n\r\nevil"
    visitor = villain.visit(OK + b"Content-Length: 5\r\n\r\nhello" + evil)
    assert visitor.read_response()[1] == b"hello"
    villain.answer = OK + b"Content-Length: 2\r\n\r\nok"
    visitor.send(villain.web.request())
    assert visitor.read_response()[1] == b"ok"
