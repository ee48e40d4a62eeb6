"""known_hosts files: whose key is it? ssh-keygen writes and judges them where it is there."""
from __future__ import annotations

import base64
import shutil
import subprocess

import pytest

from engine.connections.known_hosts import Trust, fingerprint, line_for, read_known_hosts, remember


def key(name, kind="ssh-ed25519"):
    """A key on the wire; what it holds does not matter here."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in (kind.encode(), name.encode().ljust(32, b"!")))


def line(names, blob, marker=""):
    kind = blob[4 : 4 + int.from_bytes(blob[:4], "big")].decode()
    return f"{marker} {names} {kind} {base64.b64encode(blob).decode()} a comment\n".lstrip()


MINE, OTHER, RSA = key("mine"), key("other"), key("mine", "ssh-rsa")

VERDICTS = [
    # what                                lines                                                     asked           verdict
    ("the name",                          line("web1", MINE),                                       ("web1", 22),   Trust.KNOWN),
    ("names are not case sensitive",      line("web1", MINE),                                       ("WEB1", 22),   Trust.KNOWN),
    ("one of several",                    line("web0,web1,10.0.0.1", MINE),                         ("web1", 22),   Trust.KNOWN),
    ("a pattern",                         line("*.example,web?", MINE),                             ("web1", 22),   Trust.KNOWN),
    ("an excepted name",                  line("web*,!web1", MINE),                                 ("web1", 22),   Trust.UNKNOWN),
    ("a bracketed port",                  line("[web1]:2222", MINE),                                ("web1", 2222), Trust.KNOWN),
    ("the same key without the port",     line("web1", MINE),                                       ("web1", 2222), Trust.KNOWN),
    ("another key without the port",      line("web1", OTHER),                                      ("web1", 2222), Trust.UNKNOWN),
    ("another port",                      line("[web1]:2223", MINE),                                ("web1", 2222), Trust.UNKNOWN),
    ("another host",                      line("web2", MINE),                                       ("web1", 22),   Trust.UNKNOWN),
    ("nobody",                            "",                                                       ("web1", 22),   Trust.UNKNOWN),
    ("another key",                       line("web1", OTHER),                                      ("web1", 22),   Trust.CHANGED),
    ("two keys, one of them",             line("web1", OTHER) + line("web1", MINE),                 ("web1", 22),   Trust.KNOWN),
    ("another type only",                 line("web1", RSA),                                        ("web1", 22),   Trust.UNKNOWN),
    ("revoked",                           line("web1", MINE) + line("*", MINE, "@revoked"),         ("web1", 22),   Trust.REVOKED),
    ("another one is revoked",            line("web1", MINE) + line("*", OTHER, "@revoked"),        ("web1", 22),   Trust.KNOWN),
    ("an authority is no host",           line("*", MINE, "@cert-authority"),                       ("web1", 22),   Trust.UNKNOWN),
    ("lines that are none",               "# x\n\nweb1\nweb1 ssh-ed25519 %%%\n@odd web1 ssh-rsa AAAA\n", ("web1", 22),   Trust.UNKNOWN),
    ("a type that is not the key's",      line("web1", MINE).replace("ed25519 ", "rsa "),           ("web1", 22),   Trust.UNKNOWN),
    ("a hashed name",                     line_for("web1", 22, MINE, hash_names=True),              ("web1", 22),   Trust.KNOWN),
    ("a hashed name and port",            line_for("web1", 99, MINE, hash_names=True),              ("web1", 99),   Trust.KNOWN),
    ("another hashed name",               line_for("web2", 22, MINE, hash_names=True),              ("web1", 22),   Trust.UNKNOWN),
    ("a broken hash",                     line("|1|x|y", MINE),                                     ("web1", 22),   Trust.UNKNOWN),
]  # fmt: skip


@pytest.mark.parametrize(("what", "lines", "asked", "verdict"), VERDICTS, ids=[row[0] for row in VERDICTS])
def test_whose_key_it_is(what, lines, asked, verdict, tmp_path):
    (tmp_path / "known_hosts").write_text(lines)
    assert read_known_hosts([str(tmp_path / "known_hosts")]).verdict(*asked, MINE).trust is verdict


def test_a_verdict_names_the_line(tmp_path):
    (tmp_path / "known_hosts").write_text("# mine\n" + line("web1", OTHER))
    known = read_known_hosts([str(tmp_path / "missing"), str(tmp_path / "known_hosts")])
    assert known.verdict("web1", 22, MINE).places == (f"{tmp_path}/known_hosts:2",)


def test_authorities_sign_for_their_hosts_only(tmp_path):
    (tmp_path / "known_hosts").write_text(line("*.example", MINE, "@cert-authority") + line("web1.example", OTHER))
    known = read_known_hosts([str(tmp_path / "known_hosts")])
    assert known.authority("web1.example", 22, MINE)
    assert not known.authority("web1.other", 22, MINE)
    assert not known.authority("web1.example", 22, OTHER)
    assert known.has_authority("a.example", 22)
    assert known.kinds("web1.example", 22) == ("ssh-ed25519",)


def test_a_changed_file_is_read_again(tmp_path):
    path = tmp_path / "known_hosts"
    path.write_text(line("web1", OTHER))
    assert read_known_hosts([str(path)]).verdict("web1", 22, MINE).trust is Trust.CHANGED
    remember(str(path), line_for("web1", 22, MINE))
    assert read_known_hosts([str(path)]).verdict("web1", 22, MINE).trust is Trust.KNOWN


def test_remembering_makes_the_file_and_keeps_what_is_there(tmp_path):
    path = tmp_path / "new" / "known_hosts"
    remember(str(path), "a ssh-rsa AAAA\n")
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"no end of line")
    remember(str(path), "b ssh-rsa AAAA\n")
    assert path.read_bytes() == b"no end of line\nb ssh-rsa AAAA\n"


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="not proven: the judge, ssh-keygen, is not here")
def test_ssh_keygen_agrees(tmp_path):
    """It finds the lines we write, hashed or not, and we read those it hashes."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    blob = base64.b64decode((tmp_path / "key.pub").read_text().split()[1])
    path = tmp_path / "known_hosts"
    path.write_text(line_for("web1", 22, blob) + line_for("web1", 2222, blob, hash_names=True))
    for name in ("web1", "[web1]:2222"):
        found = subprocess.run(["ssh-keygen", "-F", name, "-f", str(path)], capture_output=True, text=True)
        assert found.returncode == 0, name
    shown = subprocess.run(["ssh-keygen", "-lf", str(tmp_path / "key.pub")], check=True, capture_output=True, text=True).stdout
    assert fingerprint(blob) in shown
    path.write_text(line_for("web9", 22, blob))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, capture_output=True)
    assert path.read_text().startswith("|1|")
    assert read_known_hosts([str(path)]).verdict("web9", 22, blob).trust is Trust.KNOWN
