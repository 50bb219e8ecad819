"""What stdout holds, for eyes and for programs."""

import signal

from support.wire import answer, http_origin


def hello(lab):
    return lab.origin(http_origin(lambda wire, head: wire.send(answer())))


def start_plain(lab, *words):
    relay = lab.relay()
    return lab.start(*words, "--relay", relay.url(), "--token", lab.token(relay, "t"),
                     "--pin", relay.pin)


def test_the_url_stands_alone_on_stdout_then_one_line_per_exchange(lab):
    agent = start_plain(lab, "http", hello(lab).target, "blog")
    agent.wait_for("a URL", lambda stream, text: stream == "stdout")
    url = agent.stdout()[0]
    assert url.startswith("http") and "://blog.localhost" in url and " " not in url
    lab.curl(url + "/some/path?q")
    agent.wait_line("GET .*/some/path.*200")
    assert len(agent.stdout()) == 2


def test_up_says_whose_url_it_is_and_leaves_stdout_to_urls(lab):
    config = lab.folder / "adit.yml"
    config.write_text(f"tunnels:\n  web: {hello(lab).port}\n  wiki: {hello(lab).port}\n")
    agent = start_plain(lab, "up", config)
    for name in ("web", "wiki"):
        agent.wait_line(rf"^adit: tunnel {name} is http.*//{name}\.localhost")
    lab.eventually(lambda: len(agent.stdout()) == 2)
    assert all(line.startswith("http") and " " not in line for line in agent.stdout())


def test_a_goodbye_of_the_relay_is_told_once(lab):
    agent = start_plain(lab, "http", hello(lab).target, "blog")
    agent.wait_line("linked to")
    assert lab.the_relay.stop() == 0
    agent.wait_line("trying again")
    assert [line for line in agent.stderr() if "goodbye" in line] == [
        "adit: the relay says goodbye: shutting down"]


def test_json_events(lab):
    web = lab.http(hello(lab), "blog")
    event = web.agent.wait_event("tunnel")
    assert (event["name"], event["kind"], event["url"]) == ("blog", "http", web.url)
    assert event["target"] and event["at"]
    lab.curl(web.url + "/x", "-d", "1234")
    exchange = web.agent.wait_event("exchange")
    assert exchange["tunnel"] == "blog"
    assert (exchange["method"], exchange["path"], exchange["status"]) == ("POST", "/x", 200)
    assert exchange["visitor"].startswith("127.0.0.1")
    assert exchange["ms"] >= 0 and exchange["in"] >= 4 and exchange["out"] >= 6
    for line in web.agent.stdout():
        assert line.startswith("{") and '"event"' in line and '"at"' in line


def test_a_stream_event_for_each_tcp_visitor(lab):
    tunnel = lab.tcp(lab.origin(lambda wire: wire.send(wire.read_exact(5))))
    visitor = lab.visit(tunnel)
    visitor.send(b"hello")
    visitor.read_to_end()
    visitor.close()
    stream = tunnel.agent.wait_event("stream")
    assert (stream["in"], stream["out"]) == (5, 5)
    assert stream["tunnel"] == tunnel.name and stream["reason"]


def test_ctrl_c_ends_with_0(lab):
    agent = start_plain(lab, "http", hello(lab).target)
    agent.wait_line("://")
    agent.signal(signal.SIGINT)
    assert agent.wait_exit() == 0


def test_a_bare_target_means_http(lab):
    agent = start_plain(lab, hello(lab).target)
    agent.wait_line("^https?://")


def test_no_secret_in_the_process_title(lab):
    web = lab.http(hello(lab))
    title = open(f"/proc/{web.agent.popen.pid}/cmdline", "rb").read()
    assert web.agent.token.encode() not in title
    assert web.agent.token not in web.agent.log_path.read_text().split("\n", 1)[1]
