"""What the documents tell people to type is what the program takes, and the files they name exist."""

import re
import shlex

import pytest

from support.lab import TOP

PAGES = sorted([*TOP.glob("*.md"), *TOP.glob("docs/*.md")])


def fences(page, language):
    """(info string, content) of the fenced blocks of a language."""
    for info, content in re.findall(r"^```(\S.*?)\n(.*?)^```", page.read_text(), re.M | re.S):
        if info.split()[0] == language:
            yield info, content


def code_lines(page):
    """The lines of fenced sh blocks and of indented blocks, continued ones joined."""
    text = re.sub(r"\\\n\s*", " ", page.read_text())
    for _, content in fences(page, "sh"):
        yield from re.sub(r"\\\n\s*", " ", content).splitlines()
    yield from re.findall(r"^    (\S.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)


def commands(page):
    """Every `adit ...` a reader may type, without prompt, remark and what runs it."""
    for line in code_lines(page):
        match = re.match(r"(?:\w*\$ +)?(?:runuser .* -- )?(adit .*)", line)
        if match:
            yield re.split(r"\s+# |\s{2,}\(", match.group(1))[0].strip()


def all_commands():
    return sorted({(page.name, command) for page in PAGES for command in commands(page)})


@pytest.mark.parametrize("page,command", all_commands())
def test_every_command_is_taken(lab, page, command):
    words = shlex.split(command)[1:]
    help_command = words[:1] == ["help"]
    done = lab.adit(*words, *([] if help_command else ["--help"]))
    assert done.returncode == 0, f"{page}: {command}: {done.stderr}"


def test_there_are_commands_to_check():
    assert len(all_commands()) > 25


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_exist(page):
    text = page.read_text()
    for name in re.findall(r"`((?:src|tests|docs|cmake|tools)/[\w./-]+)`", text):
        assert "NAME" in name or (TOP / name).exists(), f"{page.name} names {name}"
    for name in re.findall(r"\]\(([\w./-]+)(?:#[\w-]*)?\)", text):
        assert (page.parent / name).exists(), f"{page.name} links to {name}"


@pytest.mark.parametrize("kind", ["relay", "agent"])
def test_the_files_of_the_guide_are_valid(lab, kind):
    blocks = [content for info, content in fences(TOP / "docs" / "deploy.md", "yaml")
              if info == f"yaml {kind}"]
    assert blocks
    for name in ("fullchain.pem", "privkey.pem"):
        (lab.folder / name).touch()
    for content in blocks:
        content = content.replace("/etc/letsencrypt/live/t.example.com", str(lab.folder))
        file = lab.folder / f"{kind}.yml"
        file.write_text(content)
        done = lab.adit("check", file, "--kind", kind)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", ["relay", "agent"])
def test_the_units_of_the_guide_start_what_they_say(lab, kind):
    blocks = [content for info, content in fences(TOP / "docs" / "deploy.md", "ini")
              if info == f"ini {kind}"]
    assert len(blocks) == 1
    start = re.search(r"^ExecStart=/usr/local/bin/adit (.*)$", blocks[0], re.M).group(1)
    assert lab.adit(*shlex.split(start), "--help").returncode == 0


def test_the_tour_works(lab):
    """Section 2 of the guide, word for word but for addresses and folders."""
    tour = (TOP / "docs" / "deploy.md").read_text().split("## 2.")[1].split("## 3.")[0]
    typed = re.findall(r"^(adit .*)$", tour, re.M)
    assert [t.split()[1] for t in typed] == ["relay", "login", "http"]

    relay = lab.relay()  # adit relay
    done = lab.adit("login", relay.login)
    assert done.returncode == 0, done.stderr
    (lab.folder / "site").mkdir()
    (lab.folder / "site" / "index.html").write_text("<p>from nothing")
    agent = lab.start("http", f"file:{lab.folder / 'site'}")
    url = agent.wait_line(r"^https?://\S+$").group()
    assert lab.curl(url).body == b"<p>from nothing"
