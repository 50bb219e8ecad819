"""Header fields keep their order, case and number both ways."""

from support.wire import answer, http_origin

ODD = ["X-Zebra: 1", "x-lower: 2", "X-UPPER: 3", "Accept: a", "X-Twice: one", "B: c",
       "X-Twice: two", "X-Empty:", "X-Latin: caf\u00e9"]


def test_response_fields_stay_as_they_are(lab):
    fields = ["Set-Cookie: a=1; Path=/", "X-Mid: x", "Set-Cookie: b=2", "x-lOwEr: y",
              "Set-Cookie: c=3; HttpOnly"]
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(headers=fields))))
    web = lab.http(origin)
    visitor = lab.visit(web)
    visitor.send(web.request())
    head = visitor.read_head()
    assert head.all("set-cookie") == ["a=1; Path=/", "b=2", "c=3; HttpOnly"]
    sent = [field.split(":")[0] for field in fields]
    assert [name for name in head.names() if name in sent] == sent


def test_request_fields_stay_as_they_are(lab):
    seen = []

    def respond(wire, head):
        seen.extend(head.headers)
        wire.send(answer())
    web = lab.http(lab.origin(http_origin(respond)))
    visitor = lab.visit(web)
    visitor.send(("\r\n".join(["GET / HTTP/1.1", f"Host: {web.host}", *ODD]) + "\r\n\r\n")
                 .encode("latin-1"))
    visitor.read_response()
    sent = [tuple(part.strip() for part in field.split(":", 1)) for field in ODD]
    names = {name for name, _ in sent}
    assert [field for field in seen if field[0] in names] == sent


def test_hop_by_hop_fields_stay_at_their_hop(lab):
    seen = []

    def respond(wire, head):
        seen.extend(name.lower() for name in head.names())
        wire.send(answer())
    web = lab.http(lab.origin(http_origin(respond)))
    visitor = lab.visit(web)
    visitor.send(web.request("GET", "/", "Connection: keep-alive, X-Mine", "X-Mine: 1",
                             "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive"))
    visitor.read_response()
    assert not {"x-mine", "keep-alive", "proxy-connection"} & set(seen)
