"""get_url against a real server on the loopback; what is registered was recorded from ansible-core 2.21."""
from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from webserver import CONTENT, SUM, here, serving

from engine.agent.host import Host
from engine.agent.sdk import Change, Context, Fail, perform, restore, validate
from engine.modules.builtin import get_url
from engine.modules.system import web


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running


@pytest.fixture
def host(tmp_path):
    return here(tmp_path)


def call(host, check=False, diff=False, **args):
    return perform(get_url, validate(get_url.ARGUMENTS, args), host, Context(check, diff))


def left_over(tmp_path):
    """Files of the download that were not cleaned up."""
    spool = tmp_path / "spool"
    return sorted(os.listdir(spool)) if spool.exists() else []


def test_a_new_file(server, host, tmp_path):
    dest = tmp_path / "f"
    reply = call(host, url=server.url + "/file.txt", dest=str(dest), mode="0640")
    result = reply["result"]
    assert dest.read_bytes() == CONTENT
    assert result.pop("src")
    sha1 = hashlib.sha1(CONTENT).hexdigest()
    assert {name: result[name] for name in result if name not in ("uid", "gid", "owner", "group")} == {
        "changed": True, "url": server.url + "/file.txt", "dest": str(dest), "status_code": 200, "msg": "OK (13 bytes)", "elapsed": 0,
        "checksum_dest": None, "checksum_src": sha1,
        "md5sum": hashlib.md5(CONTENT).hexdigest(), "mode": "0640", "state": "file", "size": 13,
    }
    change = reply["changes"][0]
    assert (change["kind"], change["identity"], change["before"], change["reversible"]) == ("file", str(dest), None, True)
    assert change["after"]["digest"] == sha1
    assert left_over(tmp_path) == []


def test_not_modified_is_ok_but_the_mode_is_seen_to(server, host, tmp_path):
    dest = tmp_path / "f"
    dest.write_text("there")
    dest.chmod(0o644)
    same = call(host, url=server.url + "/file.txt", dest=str(dest))["result"]
    assert (same["changed"], same["status_code"], same["msg"]) == (False, 304, "HTTP Error 304: Not Modified")
    asked = server.seen[-1][2]["If-Modified-Since"]
    assert asked.endswith(" GMT")
    other = call(host, url=server.url + "/file.txt", dest=str(dest), mode="0600")["result"]
    assert (other["changed"], other["mode"], dest.read_text()) == (True, "0600", "there")


def test_force_compares_the_content(server, host, tmp_path):
    dest = tmp_path / "f"
    dest.write_bytes(CONTENT)
    assert call(host, url=server.url + "/file.txt", dest=str(dest), force=True)["result"]["changed"] is False
    dest.write_bytes(b"older")
    reply = call(host, url=server.url + "/file.txt", dest=str(dest), force=True, backup=True)
    assert reply["result"]["changed"] is True
    assert Path(reply["result"]["backup_file"]).read_bytes() == b"older"
    assert reply["changes"][0]["before"]["content"] == b"older"


DIRECTORIES = [("/file.txt", "file.txt"), ("/named", "named.bin"), ("/redir", "echo"), ("/text?x=1", "text")]


@pytest.mark.parametrize(("path", "name"), DIRECTORIES)
def test_into_a_directory(server, host, tmp_path, path, name):
    """The server names the file, but never its folder."""
    folder = tmp_path / "in"
    folder.mkdir()
    result = call(host, url=server.url + path, dest=str(folder))["result"]
    assert result["dest"] == str(folder / name)
    assert [each.name for each in folder.iterdir()] == [name]
    assert call(host, url=server.url + path, dest=str(folder))["result"]["changed"] is False


CHECKSUMS = [
    ("the right one", "sha256:" + SUM, ""),
    ("in capitals", "SHA256:" + SUM.upper(), ""),
    ("another algorithm", "md5:" + hashlib.md5(CONTENT).hexdigest(), ""),
    ("a list", "sha256:{url}/sums", ""),
    ("a wrong one", "sha256:" + "0" * 64, "did not match " + "0" * 64 + "; it was " + SUM),
    ("no list", "sha256:{url}/nosuch", "Unable to get the list of checksums"),
    ("no algorithm", "aa", "The checksum parameter has to be in format <algorithm>:<checksum>"),
    ("an unknown algorithm", "bogus:aa", "with algorithm 'bogus'"),
    ("no digits", "md5:xyz", "The checksum format is invalid"),
]


@pytest.mark.parametrize(("what", "checksum", "message"), CHECKSUMS, ids=[row[0] for row in CHECKSUMS])
def test_checksum(server, host, tmp_path, what, checksum, message):
    dest = tmp_path / "f"
    args = {"url": server.url + "/file.txt", "dest": str(dest), "checksum": checksum.format(url=server.url)}
    if not message:
        assert call(host, **args)["result"]["changed"] is True
        seen = len(server.seen)
        again = call(host, **args)["result"]
        assert (again["changed"], again["msg"]) == (False, "file already exists")
        assert [path for _, path, _ in server.seen[seen:] if path == "/file.txt"] == []
        return
    dest.write_text("older")
    with pytest.raises(Fail) as failure:
        call(host, **args)
    assert message in failure.value.msg
    assert dest.read_text() == "older"
    assert left_over(tmp_path) == []


LISTS = [
    ("abc  file.txt", "abc"), ("abc *file.txt\ndef *other", "abc"), ("abc  ./file.txt\ndef x", "abc"), ("abc", "abc"),
    ("SHA256 (file.txt) = abc\nSHA256 (x) = def", "abc"), ("abc  other.txt\ndef  third", ""), ("abc  dist/file.txt", "abc"), ("", ""),
]


@pytest.mark.parametrize(("content", "digest"), LISTS)
def test_lists_of_checksums(content, digest):
    assert get_url.digest_for(content, "file.txt") == digest


def test_a_list_without_the_file(server, host, tmp_path):
    with pytest.raises(Fail, match="Unable to find a checksum for file 'text' in"):
        call(host, url=server.url + "/text", dest=str(tmp_path / "f"), checksum="sha256:" + server.url + "/sums")


FAILURES = [
    ("not found", "/status?404", {}, "Request failed", {"status_code": 404, "response": "HTTP Error 404: Not Found"}),
    ("server's fault", "/status?500", {}, "Request failed", {"status_code": 500}),
    ("cut off", "/short", {}, "the answer broke off after 9 of 100 bytes", {}),
    ("no temporary folder", "/file.txt", {"tmp_dest": "/nope"}, "/nope directory does not exist.", {}),
    ("no folder", "/file.txt", {"dest": "/nonexistent/x"}, "Destination /nonexistent does not exist", {}),
    ("gssapi", "/file.txt", {"use_gssapi": True}, "use_gssapi is not supported", {}),
]


@pytest.mark.parametrize(("what", "path", "more", "message", "values"), FAILURES, ids=[row[0] for row in FAILURES])
def test_failures_leave_the_old_file(server, host, tmp_path, what, path, more, message, values):
    dest = tmp_path / "f"
    dest.write_text("older")
    with pytest.raises(Fail) as failure:
        call(host, **{"url": server.url + path, "dest": str(dest), "force": True, **more})
    assert message in failure.value.msg
    assert {name: failure.value.values.get(name) for name in values} == values
    assert dest.read_text() == "older"
    assert left_over(tmp_path) == []


def test_nobody_listens(host, tmp_path):
    with pytest.raises(Fail, match=r"Request failed: .*Connection refused"):
        call(host, url="http://127.0.0.1:1/x", dest=str(tmp_path / "f"))


def test_a_path_of_the_target(host, tmp_path):
    (tmp_path / "source").write_text("local")
    result = call(host, url=f"file://{tmp_path}/source", dest=str(tmp_path / "f"))["result"]
    assert (result["changed"], result["status_code"], (tmp_path / "f").read_text()) == (True, None, "local")


def test_check_mode_tells_and_writes_nothing(server, host, tmp_path):
    dest = tmp_path / "f"
    reply = call(host, check=True, diff=True, url=server.url + "/file.txt", dest=str(dest))
    assert reply["result"]["changed"] is True
    assert reply["diffs"]
    assert not dest.exists()
    dest.write_bytes(CONTENT)
    assert call(host, check=True, url=server.url + "/file.txt", dest=str(dest), force=True)["result"]["changed"] is False
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(("decompress", "content"), [(True, b"unzipped"), (False, None)])
def test_decompress(server, host, tmp_path, decompress, content):
    call(host, url=server.url + "/gz", dest=str(tmp_path / "f"), decompress=decompress)
    assert (tmp_path / "f").read_bytes()[:2] == (b"\x1f\x8b" if content is None else content[:2])


def test_credentials_are_sent_when_asked_for_and_not_registered(server, host, tmp_path):
    place = server.url.replace("http://", "http://u:p@")
    for args in ({"url": server.url + "/auth", "username": "u", "password": "p"}, {"url": place + "/auth"}):
        result = call(host, dest=str(tmp_path / "f"), force=True, **args)["result"]
        assert result["status_code"] == 200
        assert "u:p" not in repr(result)


def test_headers_and_agent(server, host, tmp_path):
    call(host, url=server.url + "/echo", dest=str(tmp_path / "f"), headers={"X-A": 5}, http_agent="me")
    sent = server.seen[-1][2]
    assert (sent["X-A"], sent["User-Agent"]) == ("5", "me")


def test_a_rollback_puts_the_old_file_back(server, host, tmp_path):
    dest = tmp_path / "f"
    dest.write_bytes(b"older")
    dest.chmod(0o600)
    change = call(host, url=server.url + "/text", dest=str(dest), mode="0644")["changes"][0]
    restore(get_url, {"dest": change["identity"]}, Change(change["after"], change["before"]), host)
    assert (dest.read_bytes(), dest.stat().st_mode & 0o777) == (b"older", 0o600)


def test_a_rollback_removes_what_was_not_there(server, host, tmp_path):
    dest = tmp_path / "f"
    change = call(host, url=server.url + "/text", dest=str(dest))["changes"][0]
    restore(get_url, {"dest": change["identity"]}, Change(change["after"], change["before"]), host)
    assert not dest.exists()


PROXIES = [
    ({"http_proxy": "http://p:1"}, "http://web/x", {"http": "http://p:1"}),
    ({"HTTPS_PROXY": "http://p:1"}, "https://web/x", {"https": "http://p:1"}),
    ({"HTTP_PROXY": "http://p:1"}, "http://web/x", {}),
    ({"http_proxy": "http://p:1", "no_proxy": "web,other"}, "http://web/x", {}),
    ({"http_proxy": "http://p:1", "no_proxy": "web,other"}, "http://third:80/x", {"http": "http://p:1"}),
]


def bare(environ):
    """A host whose environment is this and nothing else."""
    made = Host()
    made.environ = environ
    return made


@pytest.mark.parametrize(("environ", "url", "expected"), PROXIES)
def test_proxies_of_the_environment(environ, url, expected):
    assert web.proxies({}, bare(environ), url) == expected
    assert web.proxies({"use_proxy": False}, bare(environ), url) == {}
