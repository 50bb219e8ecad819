"""`adit up FILE`: several tunnels from one file, changed while they run."""

import time

from support.wire import answer, http_origin


def saying(lab, word):
    return lab.origin(http_origin(lambda wire, head: wire.send(answer(word))))


def test_a_changed_file_is_applied_without_dropping_what_stayed(lab):
    config = lab.folder / "adit.yml"
    first, second, third = (saying(lab, w) for w in (b"1", b"2", b"3"))
    shell = lab.origin(lambda wire: wire.send(b"$ ") or wire.send(wire.read_exact(4)))
    config.write_text(f"""
tunnels:
  first: {first.port}
  second: {{target: {second.port}}}
  shell: {{target: "tcp://127.0.0.1:{shell.port}"}}
""")
    agent = lab.agent("up", config)
    webs = {name: lab.tunnel(agent, name=name) for name in ("first", "second", "shell")}
    assert lab.curl(webs["first"].url).body == b"1"
    assert lab.curl(webs["second"].url).body == b"2"
    visitor = lab.visit(webs["shell"])
    assert visitor.read_exact(2) == b"$ "

    config.write_text(f"""
tunnels:
  first: {third.port}
  third: {third.port}
  shell: {{target: "tcp://127.0.0.1:{shell.port}"}}
""")
    assert lab.curl(lab.tunnel(agent, name="third").url).body == b"3"
    lab.eventually(lambda: lab.curl(webs["first"].url).body == b"3")
    lab.eventually(lambda: lab.curl(webs["second"].url).status in (404, 503))
    visitor.send(b"stay")
    assert visitor.read_exact(4) == b"stay"  # the connection of before


def test_a_tunnel_taken_out_is_told(lab):
    config = lab.folder / "adit.yml"
    config.write_text("tunnels:\n  web: 3000\n  wiki: 3001\n")
    relay = lab.relay()
    assert lab.adit("login", relay.login).returncode == 0
    agent = lab.start("up", config)
    agent.wait_line("tunnel wiki is http://")
    config.write_text("tunnels:\n  web: 3000\n")
    agent.wait_line("tunnel wiki is no longer published")
    lab.eventually(lambda: "unbound" in lab.adit("status", "--data", relay.data).stdout)


def test_a_tunnel_taken_out_is_an_event(lab):
    config = lab.folder / "adit.yml"
    config.write_text("tunnels:\n  web: 3000\n  wiki: 3001\n")
    agent = lab.agent("up", config)
    wiki = lab.tunnel(agent, name="wiki")
    config.write_text("tunnels:\n  web: 3000\n")
    event = agent.wait_event("removed")
    assert (event["name"], event["kind"], event["url"]) == ("wiki", "http", wiki.url)
    assert event["target"] == "http://127.0.0.1:3001"


def test_a_file_without_tunnels_says_what_to_do(lab):
    config = lab.folder / "adit.yml"
    config.write_text("tunnels:\n")
    agent = lab.agent("up", config)
    event = agent.wait_event("error")
    assert "adit.yml" in event["what"] and "no tunnels" in event["what"]
    assert "web: 3000" in event["fix"] and event["fatal"] is False
    config.write_text(f"tunnels:\n  web: {saying(lab, b'here').port}\n")
    web = lab.tunnel(agent, name="web")
    assert lab.curl(web.url).body == b"here"
    config.write_text("# nothing\n")
    agent.wait_event("removed", name="web")
    lab.eventually(lambda: sum("no tunnels" in line for line in agent.stderr()) == 2)


def test_a_bad_file_is_reported_and_the_old_one_stays(lab):
    config = lab.folder / "adit.yml"
    config.write_text(f"tunnels:\n  web: {saying(lab, b'old').port}\n")
    agent = lab.agent("up", config)
    web = lab.tunnel(agent, name="web")
    config.write_text("tunnels:\n  web: {targit: 3000}\n")
    agent.wait_line(r"adit\.yml:2.*targ[ei]t")
    time.sleep(0.3)
    assert lab.curl(web.url).body == b"old"


def test_a_file_replaced_by_rename_is_seen(lab):
    """As editors save: a new file takes the name."""
    config = lab.folder / "adit.yml"
    config.write_text(f"tunnels:\n  web: {saying(lab, b'old').port}\n")
    agent = lab.agent("up", config)
    web = lab.tunnel(agent, name="web")
    (lab.folder / "new").write_text(f"tunnels:\n  web: {saying(lab, b'new').port}\n")
    (lab.folder / "new").rename(config)
    lab.eventually(lambda: lab.curl(web.url).body == b"new")
