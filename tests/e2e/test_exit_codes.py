"""0 asked to stop, 1 refused for good, 2 usage; and what is never an end."""

import time

import pytest

from support.wire import answer, free_port, http_origin


@pytest.mark.parametrize("words", [
    ["nonsense"], ["http"], ["http", "3000", "--nonsense"], ["relay", "--listen"],
    ["relay", "--listen", "nowhere:port"], ["http", "99999999"], ["peer"], ["connect", "x"],
    ["token"], ["token", "nonsense"], ["udp", "3000"], ["relay", "--udp-ports", "2000-3000"],
])
def test_wrong_usage_is_2_and_says_why(lab, words):
    done = lab.adit(*words)
    assert done.returncode == 2
    assert done.stderr.strip() and not done.stdout


@pytest.mark.parametrize("words", [["help"], ["--help"], ["version"], ["--version"],
                                   ["http", "--help"], ["help", "relay"]])
def test_help_and_version_are_0(lab, words):
    done = lab.adit(*words)
    assert done.returncode == 0
    assert done.stdout.strip()


def test_a_bad_token_is_1(lab):
    agent = lab.agent("http", "3000", relay=lab.relay(), token="wrong")
    error = agent.wait_event("error", fatal=True)
    assert error["what"] and error["fix"]
    assert agent.wait_exit() == 1


def test_a_relay_that_cannot_be_reached_is_never_an_end(lab):
    port = free_port()
    agent = lab.start("http", "3000", "--relay", f"tls://127.0.0.1:{port}", "--token", "x",
                      "--pin", "sha256:" + "A" * 43 + "=", "--json")
    time.sleep(2)
    assert agent.is_running()


def test_an_agent_started_before_its_relay_finds_it(lab):
    relay = lab.relay()
    token = lab.token(relay, "t")
    relay.stop()
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"late"))))
    agent = lab.agent("http", origin.target, relay=relay, token=token)
    time.sleep(1)
    lab.restart(relay)
    assert lab.curl(lab.tunnel(agent, 20).url).body == b"late"


def test_one_refused_tunnel_does_not_stop_the_others(lab):
    lab.http("3000", "taken")
    config = lab.folder / "adit.yml"
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"free"))))
    config.write_text(f"tunnels:\n  taken: 3000\n  free: {origin.port}\n")
    agent = lab.agent("up", config)
    assert lab.curl(lab.tunnel(agent, name="free").url).body == b"free"
    assert "taken" in str(agent.wait_event("error"))
    assert agent.is_running()


def test_a_port_in_use_is_told(lab):
    relay = lab.relay()
    done = lab.adit("relay", "--listen", f"127.0.0.1:{relay.port}", "--data", lab.folder / "d")
    assert done.returncode not in (0, 2)
    assert str(relay.port) in done.stderr


@pytest.mark.parametrize("command,flag", [("try", "--listen"), ("relay", "--listen"),
                                          ("relay", "--listen-tls"), ("relay", "--admin")])
def test_a_port_in_use_comes_with_the_flag_that_names_another(lab, command, flag):
    taken = f"127.0.0.1:{lab.relay().port}"
    other = [] if flag == "--listen" else ["--listen", f"127.0.0.1:{free_port()}"]
    done = lab.adit(command, *other, flag, taken, "--data", lab.folder / "d")
    assert done.returncode == 1
    assert (f"cannot listen on {taken}: the address is already in use; end what listens there, or "
            f"choose another with {flag}\n") in done.stderr


def test_a_relay_says_which_file_it_reads(lab):
    config = lab.folder / "relay.yml"
    config.write_text("domain: t.example.com\n")
    lab.relay("--config", config).wait_line(f"^config: {config}$")
