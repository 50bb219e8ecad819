"""A token is nowhere to be read but where it belongs: on the line that shows it once, and in the
files of who uses it."""

import json
import os
import re
from pathlib import Path

from support.wire import answer, free_port, http_origin


def title_of(process):
    return Path(f"/proc/{process.popen.pid}/cmdline").read_bytes()


def said_by(process):
    return "\n".join(text for _, text in process.lines)


def secrets_in(lab, relay):
    """Of all agents of this test, and the relay's key."""
    for path in lab.folder.rglob("agent"):
        yield re.search(r"secret ([0-9a-f]{64})", path.read_text()).group(1)
    yield from (relay.data / "relay.key").read_text().splitlines()[1:-1]


def test_no_log_output_or_title_tells_a_token(lab):
    relay = lab.relay("--log-level", "trace")
    tokens = [lab.token(relay, "carol"), lab.token(relay, "dave")]
    wrong = "zzzz-" * 7 + "zzzz"
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer())))
    outputs = {}

    # Given by flag, by environment, by file, by login; a wrong one too.
    web = lab.http(origin, "--log-level", "trace", relay=relay, token=tokens[0])
    assert lab.curl(web.url).status == 200
    lab.eventually(lambda: tokens[0].encode() not in title_of(web.agent))
    by_env = lab.start("http", origin.target, "--relay", relay.url(), "--pin", relay.pin, "--json",
                       "--state", lab.folder / "env-state", "--log-level", "trace",
                       env={"ADIT_TOKEN": tokens[1]})
    by_env.wait_event("tunnel")
    saved = lab.adit("login", f"127.0.0.1:{relay.port}#{tokens[1]}#{relay.pin}", "--state",
                     lab.folder / "login-state")
    assert saved.returncode == 0, saved.stderr
    outputs["login"] = saved.stdout + saved.stderr
    refused = lab.adit("http", "3000", "--relay", relay.url(), "--pin", relay.pin, "--token", wrong,
                       "--state", lab.folder / "wrong-state", "--log-level", "trace")
    assert refused.returncode == 1
    outputs["refused"] = refused.stdout + refused.stderr
    bad_line = lab.adit("login", f"127.0.0.1:{free_port()}#{wrong}#{relay.pin}", "--state",
                        lab.folder / "wrong-state")
    outputs["login elsewhere"] = bad_line.stdout + bad_line.stderr

    listed = lab.adit("token", "list", "--data", relay.data)
    row = next(line for line in listed.stdout.splitlines() if "carol" in line)
    outputs["list"] = listed.stdout
    status = lab.adit("status", "--json", "--data", relay.data)
    outputs["status"] = status.stdout + status.stderr
    assert json.loads(status.stdout.splitlines()[0])
    revoked = lab.adit("token", "revoke", row.split()[0], "--data", relay.data)
    outputs["revoke"] = revoked.stdout + revoked.stderr
    assert web.agent.wait_exit() == 1
    by_env.stop()
    relay.stop()

    outputs["relay"] = "\n".join(text for text in relay.stderr())
    outputs["agent"] = said_by(web.agent)
    outputs["agent by environment"] = said_by(by_env)
    secrets = [*tokens, wrong, *secrets_in(lab, relay)]
    assert len(secrets) >= 8
    for name, text in outputs.items():
        for value in secrets:
            assert value not in text, (name, value)


def test_a_token_on_the_command_line_leaves_the_title(lab):
    """At once: while a relay that answers nothing is still being dialled."""
    relay = lab.relay()
    token = lab.token(relay, "bob")
    silent = lab.origin(lambda wire: wire.read_to_end())
    agent = lab.start("http", "3000", "--relay", f"tls://127.0.0.1:{silent.port}", "--token", token,
                      "--pin", relay.pin, "--state", lab.folder / "state")
    saver = lab.start("login", f"127.0.0.1:{silent.port}#{token}#{relay.pin}", "--state",
                      lab.folder / "state")
    lab.eventually(lambda: silent.connection_count >= 2)
    for process in (agent, saver):
        title = title_of(process)
        assert token.encode() not in title and len(title) > 20
    agent.stop()
    saver.kill()


def test_tokens_in_files_are_for_their_owner_only(lab):
    relay = lab.relay()
    token = lab.token(relay, "bob")
    state = lab.folder / "login-state"
    done = lab.adit("login", f"127.0.0.1:{relay.port}#{token}#{relay.pin}", "--state", state)
    assert done.returncode == 0, done.stderr
    holding = [path for path in lab.folder.rglob("*")
               if path.is_file() and path.suffix != ".log" and token.encode() in path.read_bytes()]
    assert holding  # logins.yml
    for path in holding:
        assert path.stat().st_mode & 0o077 == 0, path
        assert os.stat(path.parent).st_mode & 0o077 == 0, path.parent
