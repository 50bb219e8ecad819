"""`adit check` names file, line, what is wrong and the fix."""

import re

import pytest


@pytest.mark.parametrize("text,line,pattern", [
    ("tunnels:\n  web: {targit: 3000}\n", 2, "targit.*target"),
    ("tunnels:\n  web: {target: [1]}\n", 2, "target"),
    ("relay: wss://t.example.com\ntunels:\n  web: 3000\n", 2, "tunels.*tunnels"),
    ("tunnels:\n  web: 99999999\n", 2, "99999999"),
    ("tunnels:\n  a: 1\n  a: 2\n", 3, "a"),
    ("tunnels: {web: 3000\n", None, ""),
])
def test_an_error_is_named(lab, text, line, pattern):
    config = lab.folder / "adit.yml"
    config.write_text(text)
    done = lab.adit("check", config)
    assert done.returncode != 0
    place = rf"adit\.yml:{line}:" if line else r"adit\.yml:\d+:"
    assert re.search(f"{place}.*{pattern}", done.stdout + done.stderr)


def test_a_certificate_that_is_not_there_is_named(lab):
    config = lab.folder / "relay.yml"
    config.write_text("domain: t.example.com\ncert: gone.pem\nkey: gone.key\n")
    done = lab.adit("check", config)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "relay.yml:2: cannot read 'gone.pem': No such file or directory\n" in done.stderr
    assert "relay.yml:3: cannot read 'gone.key': No such file or directory\n" in done.stderr


def test_a_file_taken_for_the_other_kind_is_told_from_a_bad_one(lab):
    config = lab.folder / "public.yml"
    config.write_text("domain: t.example.com\n")
    done = lab.adit("check", config)
    assert done.returncode == 2
    assert "public.yml:1: unknown key 'domain'" in done.stderr
    assert "read as an agent's file, by its name; if it is a relay's: --kind relay\n" in done.stderr
    assert lab.adit("check", config, "--kind", "relay").returncode == 0
    config.rename(lab.folder / "adit.yml")
    assert "note" not in lab.adit("check", lab.folder / "adit.yml").stderr


def test_values_are_read_by_the_schema(lab):
    config = lab.folder / "adit.yml"
    config.write_text("""
relay: wss://t.example.com
token: {env: ADIT_TOKEN}
tunnels:
  no:    3000
  "010": 3000
  ssh:   {target: "tcp://127.0.0.1:22", port: 6000}
""")
    done = lab.adit("check", config)
    assert done.returncode == 0, done.stdout + done.stderr


def test_defaults_are_shown(lab):
    done = lab.adit("check", "--defaults")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 10


def test_without_a_file_it_names_all_places(lab):
    done = lab.adit("check")
    assert done.returncode == 2
    for place in ("./adit.yml", "/etc/adit/adit.yml", "./relay.yml", "/etc/adit/relay.yml"):
        assert place in done.stderr
