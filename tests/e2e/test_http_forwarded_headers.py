"""The origin learns who the visitor is, and strangers cannot lie about it."""

from support.wire import answer, http_origin


def seen_by_origin(lab, *fields):
    seen = []

    def respond(wire, head):
        seen.append(head)
        wire.send(answer())
    web = lab.http(lab.origin(http_origin(respond)))
    visitor = lab.visit(web)
    visitor.send(web.request("GET", "/", *fields))
    visitor.read_response()
    return web, seen[0]


def test_the_visitor_is_named(lab):
    web, head = seen_by_origin(lab)
    assert head.get("host") == web.host
    assert head.all("x-forwarded-for") == ["127.0.0.1"]
    assert head.all("x-real-ip") == ["127.0.0.1"]
    assert head.all("x-forwarded-host") == [web.host]
    assert head.all("x-forwarded-proto") == ["http"]
    assert "for=127.0.0.1" in head.get("forwarded")


def test_what_a_stranger_claims_is_replaced(lab):
    _, head = seen_by_origin(lab, "X-Forwarded-For: 6.6.6.6", "x-real-ip: 6.6.6.6",
                             "Forwarded: for=6.6.6.6", "X-Forwarded-Proto: https",
                             "X-Forwarded-For: 7.7.7.7", "X_Forwarded_For: 6.6.6.6",
                             "X-Forwarded-User: 6.6.6.6")
    assert head.all("x-forwarded-for") == ["127.0.0.1"]
    assert "6.6.6.6" not in head.raw.decode() and "7.7.7.7" not in head.raw.decode()
    assert head.all("x-forwarded-proto") == ["http"]


def test_https_is_told(lab):
    seen = []

    def respond(wire, head):
        seen.append(head.get("x-forwarded-proto"))
        wire.send(answer())
    web = lab.http(lab.origin(http_origin(respond)))
    lab.curl(f"https://{web.host}/")
    assert seen == ["https"]
