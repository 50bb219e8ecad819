"""A file that names another relay moves the agent there while it runs."""

import signal
import time

from support.lab import ADIT
from support.wire import answer, http_origin


def write(config, relay, token, port, name="web"):
    config.write_text(f"""
relay: {relay.url()}
pin: {relay.pin}
token: {token}
tunnels:
  {name}: {port}
""")


def get(lab, relay, name="web"):
    return lab.curl(f"http://127.0.0.1:{relay.port}/", "-H", f"Host: {name}.localhost",
                    check=False)


def test_another_relay_in_the_file(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"here"))))
    first, second = lab.relay(), lab.relay()
    config = lab.folder / "adit.yml"
    write(config, first, lab.token(first, "t"), origin.port)
    lab.start("up", config, "--state", lab.folder / "s", "--json")
    lab.eventually(lambda: get(lab, first).body == b"here")
    write(config, second, lab.token(second, "t"), origin.port)
    lab.eventually(lambda: get(lab, second).body == b"here")
    lab.eventually(lambda: get(lab, first).status in (404, 503))


def test_a_relay_nobody_answers_at_can_be_mended_in_the_file(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"here"))))
    first, second = lab.relay(), lab.relay()
    token = lab.token(second, "t")
    first.stop()
    config = lab.folder / "adit.yml"
    write(config, first, token, origin.port)
    agent = lab.start("up", config, "--state", lab.folder / "s", "--json")
    agent.wait_event("link", state="down")
    write(config, second, token, origin.port)
    lab.eventually(lambda: get(lab, second).body == b"here")


def test_hangup_reads_the_file_again(lab):
    """Also where the change itself went unseen, as on some network file systems."""
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"here"))))
    relay = lab.relay()
    token = lab.token(relay, "t")
    config = lab.folder / "adit.yml"
    write(config, relay, token, origin.port)
    agent = lab.start("up", config, "--state", lab.folder / "s", "--json")
    agent.wait_event("tunnel", name="web")
    write(config, relay, token, origin.port, name="other")
    agent.signal(signal.SIGHUP)
    agent.wait_event("tunnel", name="other")
    assert agent.is_running()


def test_a_reader_that_left_stdout_is_not_missed(lab):
    """As when only the URL is wanted."""
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"here"))))
    relay = lab.relay()
    shell = lab.run_beside(
        "sh", "-c", f"{ADIT} http {origin.port} web --relay {relay.url()} --pin {relay.pin} "
                    f"--token {lab.token(relay, 't')} --state {lab.folder}/s | head -1")
    shell.wait_line("^http")
    for _ in range(5):
        assert get(lab, relay).body == b"here"
        time.sleep(0.2)
