"""Requests sent without waiting are answered in their order."""

from support.wire import answer, http_origin


def test_answers_come_in_order(lab):
    def respond(wire, head):
        body = wire.read_body(head) if head.get("content-length") else b""
        wire.send(answer(head.start.split()[1].encode() + body))
    web = lab.http(lab.origin(http_origin(respond)))
    visitor = lab.visit(web)
    visitor.send(b"".join(
        web.request("GET", f"/{n}") if n % 2 else
        web.request("POST", f"/{n}", "Content-Length: 4") + b"body" for n in range(20)))
    for n in range(20):
        assert visitor.read_response()[1] == f"/{n}".encode() + (b"" if n % 2 else b"body")


def test_a_request_after_connection_close_is_not_answered(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(head.start.encode()))))
    web = lab.http(origin)
    visitor = lab.visit(web)
    visitor.send(web.request("GET", "/last", "Connection: close") + web.request("GET", "/never"))
    head, body = visitor.read_response()
    assert (head.get("connection"), body) == ("close", b"GET /last HTTP/1.1")
    assert visitor.read_to_end() == b""


def test_one_connection_visits_two_tunnels(lab):
    first = lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer(b"first")))))
    second = lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer(b"second")))))
    visitor = lab.visit(first)
    for web, body in ((first, b"first"), (second, b"second"), (first, b"first")):
        visitor.send(web.request())
        assert visitor.read_response()[1] == body
