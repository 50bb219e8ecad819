"""Where an agent can lead to, beside a plain port."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.wire import answer, free_port, http_origin


class Hello(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"secret"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def https_port(lab):
    """An origin that speaks TLS only, with the key a relay has made for itself."""
    relay = lab.the_relay
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(relay.data / "relay.crt", relay.data / "relay.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_https_on_this_machine(lab, https_port):
    web = lab.http(f"https://127.0.0.1:{https_port}")
    for _ in range(2):
        assert lab.curl(web.url).body == b"secret"


def test_https_to_who_speaks_no_tls_is_502(lab):
    plain = lab.origin(lambda wire: wire.send(b"220 hello\r\n") or wire.read_to_end())
    web = lab.http(f"https://127.0.0.1:{plain.port}")
    page = lab.curl(web.url)
    assert page.status == 502 and b"TLS" in page.body


def test_a_unix_socket(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"unix"))), unix=True)
    assert lab.curl(lab.http(origin).url).body == b"unix"


def test_a_missing_unix_socket_is_502(lab):
    assert lab.curl(lab.http(f"unix:{lab.folder}/none.sock").url).status == 502


def test_a_folder(lab):
    folder = lab.folder / "www"
    (folder / "sub").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>top</h1>")
    (folder / "sub" / "data.bin").write_bytes(bytes(range(256)) * 4096)
    (lab.folder / "outside").write_text("not for you")
    web = lab.http(f"file:{folder}")
    page = lab.curl(web.url)
    assert page.body == b"<h1>top</h1>" and page.get("content-type").startswith("text/html")
    assert lab.curl(web.url + "/sub/data.bin").body == bytes(range(256)) * 4096
    assert lab.curl(web.url + "/sub/data.bin", "-H", "Range: bytes=256-511").body == bytes(range(256))
    assert lab.curl(web.url + "/nothing").status == 404
    assert lab.curl(web.url + "/../outside", "--path-as-is").status in (400, 404)


def test_a_folder_that_is_not_there_is_502(lab):
    assert lab.curl(lab.http(f"file:{lab.folder}/none").url).status == 502


def test_save_writes_the_tunnel_into_the_file(lab):
    relay = lab.relay()
    agent = lab.agent("http", str(free_port()), "blog", "--save", relay=relay)
    lab.tunnel(agent)
    assert "blog" in (lab.folder / "adit.yml").read_text()


def test_what_was_saved_without_a_name_comes_up_under_the_same_words(lab):
    relay = lab.relay()
    agent = lab.agent("http", str(free_port()), "--save", relay=relay)
    url = lab.tunnel(agent).url
    agent.stop()
    again = lab.agent("up", relay=relay, token=agent.token, state=agent.state)
    assert lab.tunnel(again).url == url
