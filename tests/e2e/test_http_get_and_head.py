"""A plain request and its answer pass unchanged."""

from support.wire import answer, http_origin


def test_get_brings_the_body(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"hello\n"))))
    result = lab.curl(lab.http(origin).url)
    assert (result.status, result.body) == (200, b"hello\n")


def test_path_and_query_arrive_as_sent(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(head.start.encode()))))
    web = lab.http(origin)
    path = "/a//b/../%7Ec;d=1?q=%20+x&&"
    assert lab.curl(web.url + path, "--path-as-is").body == f"GET {path} HTTP/1.1".encode()


def test_head_has_the_length_and_no_body(lab):
    def respond(wire, head):
        body = answer(b"five!")
        wire.send(body[:-5] if head.start.startswith("HEAD") else body)
    web = lab.http(lab.origin(http_origin(respond)))
    visitor = lab.visit(web)
    visitor.send(web.request("HEAD"))
    assert visitor.read_head().get("content-length") == "5"
    visitor.send(web.request("GET"))  # the connection is where it should be
    assert visitor.read_response()[1] == b"five!"


def test_204_and_304_have_no_body(lab):
    def respond(wire, head):
        status = head.start.split()[1].strip("/")
        wire.send(f"HTTP/1.1 {status} Nothing\r\nETag: \"x\"\r\n\r\n".encode())
    web = lab.http(lab.origin(http_origin(respond)))
    visitor = lab.visit(web)
    for status in (204, 304, 204):
        visitor.send(web.request("GET", f"/{status}"))
        assert visitor.read_head().status == status


def test_a_response_that_ends_with_the_connection_is_whole(lab):
    def handler(wire):
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000)
    assert lab.curl(lab.http(lab.origin(handler)).url).body == b"x" * 100_000


def test_http_1_0_visitors_are_served(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"old"))))
    web = lab.http(origin)
    visitor = lab.visit(web)
    visitor.send(f"GET / HTTP/1.0\r\nHost: {web.host}\r\n\r\n".encode())
    head = visitor.read_head()
    assert head.status == 200
    assert visitor.read_to_end() == b"old"
