"""uri against a real server on the loopback; what is registered was recorded from ansible-core 2.21."""
from __future__ import annotations

import re
import socketserver
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from webserver import here, serving

from engine.agent.sdk import ArgumentErrors, Context, Fail, perform, validate
from engine.modules.builtin import uri


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running


@pytest.fixture
def host(tmp_path):
    return here(tmp_path)


def call(host, check=False, **args):
    return perform(uri, validate(uri.ARGUMENTS, args, uri.RULES), host, Context(check))


def test_what_is_registered(server, host):
    result = call(host, url=server.url + "/text", return_content=True)["result"]
    assert re.match(r"BaseHTTP", result.pop("server"))
    assert result.pop("date").endswith("GMT")
    assert result == {
        "changed": False, "msg": "OK (6 bytes)", "redirected": False, "url": server.url + "/text", "status": 200,
        "content_type": "text/plain", "set_cookie": "a=1; Path=/", "content_length": "6", "cookies_string": "a=1", "cookies": {"a": "1"},
        "elapsed": 0,
        "content": "hello\n",
    }


ANSWERS = [
    # what                         path            arguments                                     part of what is registered
    ("without content",            "/text",        {},                                           {"content": None}),
    (
        "several of one header", "/twice", {},
        {"set_cookie": "a=1, b=2", "x_m": "1, 2", "cookies_string": "a=1; b=2", "cookies": {"a": "1", "b": "2"}},
    ),
    ("another charset",            "/latin",       {"return_content": True},                     {"content": "é"}),
    ("packed", "/gz", {"return_content": True}, {"content": "unzipped", "content_encoding": "gzip"}),
    ("what only says it is JSON",  "/badjson",     {"return_content": True},                     {"content": "{bad", "json": None}),
    ("a status among several", "/status?201", {"status_code": [200, 201]}, {"status": 201, "msg": "OK (8 bytes)", "body": None}),
    (
        "an error that is right", "/status?404", {"status_code": 404},
        {"status": 404, "msg": "HTTP Error 404: Not Found", "body": "err body"},
    ),
    ("a redirect followed", "/redir", {}, {"status": 200, "redirected": True, "location": None}),
    (
        "a redirect as the answer", "/redir", {"follow_redirects": "none", "status_code": 302},
        {"status": 302, "redirected": False, "body": ""},
    ),
    ("a head",                     "/text",        {"method": "HEAD"},                           {"status": 200, "content_length": "6"}),
    ("credentials when asked",     "/auth",        {"user": "u", "password": "p"},               {"status": 200}),
    ("there already", "/text", {"creates": "/"}, {"stdout": "skipped, since '/' exists", "status": None}),
    ("not there", "/text", {"removes": "/nope"}, {"stdout": "skipped, since '/nope' does not exist"}),
]


@pytest.mark.parametrize(("what", "path", "args", "expected"), ANSWERS, ids=[row[0] for row in ANSWERS])
def test_answers(server, host, what, path, args, expected):
    result = call(host, url=server.url + path, **args)["result"]
    assert {name: result.get(name) for name in expected} == expected
    assert result["changed"] is False


REQUESTS = [
    # what arguments method content type body
    ("JSON", {"method": "post", "body": {"a": 1, "b": [1, 2]}, "body_format": "json"}, "POST", "application/json", '{"a": 1, "b": [1, 2]}'),
    ("JSON as text", {"method": "POST", "body": '{"a": 1}', "body_format": "json"}, "POST", "application/json", '{"a": 1}'),
    (
        "a form", {"method": "POST", "body": {"a": 1, "b": [1, 2]}, "body_format": "form-urlencoded"}, "POST",
        "application/x-www-form-urlencoded", "a=1&b=1&b=2",
    ),
    (
        "a form of pairs", {"method": "POST", "body": [["a", "b"], ["a", "ü"]], "body_format": "form-urlencoded"}, "POST",
        "application/x-www-form-urlencoded", "a=b&a=%C3%BC",
    ),
    ("text", {"method": "PUT", "body": "a=1&b=2"}, "PUT", "application/x-www-form-urlencoded", "a=1&b=2"),
    ("own content type", {"method": "PUT", "body": "x", "headers": {"content-type": "text/x"}}, "PUT", "text/x", "x"),
    ("nothing", {"method": "DELETE"}, "DELETE", None, ""),
]


@pytest.mark.parametrize(("what", "args", "method", "kind", "body"), REQUESTS, ids=[row[0] for row in REQUESTS])
def test_requests(server, host, what, args, method, kind, body):
    said = call(host, url=server.url + "/echo", **args)["result"]["json"]
    headers = {name.lower(): value for name, value in said["headers"].items()}
    assert (said["method"], headers.get("content-type"), said["body"]) == (method, kind, body)
    assert headers["user-agent"] == "ansible-httpget"


def test_multipart(server, host, tmp_path):
    (tmp_path / "up.txt").write_text("from a file")
    fields = {"t": "v", "f": {"content": "cc", "filename": "/x/a.txt", "mime_type": "text/csv"}}
    fields["u"] = {"filename": str(tmp_path / "up.txt")}
    said = call(host, url=server.url + "/echo", method="POST", body=fields, body_format="form-multipart")["result"]["json"]
    boundary = re.search(r'multipart/form-data; boundary="(.+)"', said["headers"]["Content-Type"])
    assert boundary is not None
    parts = said["body"].split("--" + boundary.group(1))
    assert parts[0] == ""
    assert parts[1:] == [
        '\r\nContent-Type: text/csv\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\ncc\r\n',
        '\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name="t"\r\n\r\nv\r\n',
        '\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name="u"; filename="up.txt"\r\n\r\nfrom a file\r\n',
        "--\r\n",
    ]


def test_a_file_for_a_body(server, host, tmp_path):
    (tmp_path / "src").write_text("srcbody\n")
    said = call(host, url=server.url + "/echo", src=str(tmp_path / "src"), remote_src=True, method="PUT")["result"]["json"]
    assert (said["body"], said["headers"]["Content-Length"]) == ("srcbody\n", "8")


REDIRECTS = [
    # what                     path         method   policy     status  arrives as
    ("safe follows GET",       "/redir",    "GET",   "safe",    200,    ("GET", "")),
    ("safe keeps POST back",   "/redir",    "POST",  "safe",    302,    None),
    ("all turns it to GET",    "/redir",    "POST",  "all",     200,    ("GET", "")),
    ("307 keeps it",           "/redir307", "POST",  "all",     200,    ("POST", "x")),
    ("urllib2 refuses 307",    "/redir307", "POST",  "urllib2", 307,    None),
    ("yes is all",             "/redir",    "POST",  "yes",     200,    ("GET", "")),
    ("no is none",             "/redir",    "GET",   "no",      302,    None),
]


@pytest.mark.parametrize(("what", "path", "method", "policy", "status", "arrives"), REDIRECTS, ids=[row[0] for row in REDIRECTS])
def test_redirects(server, host, what, path, method, policy, status, arrives):
    body = {"body": "x"} if method == "POST" else {}
    result = call(host, url=server.url + path, method=method, follow_redirects=policy, status_code=[200, 302, 307], **body)["result"]
    assert result["status"] == status
    if arrives:
        assert (result["json"]["method"], result["json"]["body"]) == arrives
    else:
        assert result["location"] == server.url + "/echo"


def test_credentials_do_not_follow_to_another_host(server, host):
    with serving() as other:
        call(
            host, url=f"{server.url}/redir?{other.url}/text", user="u", password="p", force_basic_auth=True,
            headers={"Cookie": "c", "X-A": "1"},
        )
        sent = {name.lower(): value for name, value in other.seen[-1][2].items()}
    assert "authorization" not in sent
    assert "cookie" not in sent
    assert sent["x-a"] == "1"
    assert server.seen[-1][2]["Authorization"] == "Basic dTpw"


def test_headers_kept_back(server, host):
    said = call(host, url=server.url + "/redir", headers={"X-A": "1", "X-B": "2"}, unredirected_headers=["x-a"])["result"]["json"]
    assert {"X-A", "X-B"} & set(said["headers"]) == {"X-B"}


FAILURES = [
    ("a wrong status", "/status?500", {"return_content": True}, "Status code was 500 and not [200]: HTTP Error 500: Internal Server Error",
     {"status": 500, "content": "err body", "redirected": False}),
    (
        "no credentials", "/auth", {}, "Status code was 401 and not [200]: HTTP Error 401: Unauthorized",
        {"www_authenticate": 'Basic realm="x"'},
    ),
    ("wrong credentials", "/auth", {"user": "u", "password": "wrong"}, "Status code was 401 and not [200]", {}),
    ("a word of two", "/text", {"method": "G T"}, "Parameter 'method' needs to be a single word in uppercase, like GET or POST.", {}),
    ("raw but a dictionary", "/echo", {"method": "POST", "body": {"a": 1}}, "name the format, such as json", {}),
    ("no file to send", "/echo", {"method": "PUT", "src": "/nope", "remote_src": True}, "Unable to open source file /nope", {}),
    ("no folder", "/text", {"dest": "/nonexistent/x"}, "Destination directory /nonexistent does not exist", {}),
    ("no socket", "/text", {"unix_socket": "/nope"}, "Invalid Socket File (/nope)", {"status": -1}),
]


@pytest.mark.parametrize(("what", "path", "args", "message", "values"), FAILURES, ids=[row[0] for row in FAILURES])
def test_failures(server, host, what, path, args, message, values):
    with pytest.raises(Fail) as failure:
        call(host, url=server.url + path, **args)
    assert message in failure.value.msg
    assert {name: failure.value.values.get(name) for name in values} == values


UNREACHABLE = [
    ("http://127.0.0.1:1/x", "Status code was -1 and not [200]: Request failed: <urlopen error [Errno 111] Connection refused>"),
    ("nonsense", "unknown url type"),
    ("bogus://x/y", "unknown url type: bogus"),
]


@pytest.mark.parametrize(("url", "message"), UNREACHABLE)
def test_no_answer(host, url, message):
    with pytest.raises(Fail) as failure:
        call(host, url=url)
    assert message in failure.value.msg
    assert failure.value.values["status"] == -1


def test_body_and_src_exclude_each_other(host):
    with pytest.raises(ArgumentErrors, match="mutually exclusive"):
        call(host, url="http://x", src="/x", body="y")


def test_to_a_file(server, host, tmp_path):
    reply = call(host, url=server.url + "/text", dest=str(tmp_path / "t"), mode="0600")
    result = reply["result"]
    assert (tmp_path / "t").read_bytes() == b"hello\n"
    assert (result["path"], result["mode"], result["changed"]) == (str(tmp_path / "t"), "0600", True)
    assert [(change["identity"], change["reversible"]) for change in reply["changes"]] == [(str(tmp_path / "t"), True)]
    again = call(host, url=server.url + "/text", dest=str(tmp_path / "t"), mode="0600")
    assert "changes" not in again
    assert call(host, url=server.url + "/text", dest=str(tmp_path))["result"]["path"] == str(tmp_path / "text")


def test_what_is_fresh_is_a_wrong_status_unless_said_otherwise(server, host, tmp_path):
    (tmp_path / "t").write_text("there")
    with pytest.raises(Fail, match="Status code was 304"):
        call(host, url=server.url + "/file.txt", dest=str(tmp_path / "t"))
    assert call(host, url=server.url + "/file.txt", dest=str(tmp_path / "t"), force=True)["result"]["status"] == 200


def test_check_mode_sends_nothing(server, host):
    seen = len(server.seen)
    assert call(host, check=True, url=server.url + "/text")["result"]["skipped"] is True
    assert len(server.seen) == seen


class OnSocket(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"socket")

    def log_message(self, *args):
        """Say nothing."""

    def address_string(self):
        return "local"


def test_a_unix_socket(host, tmp_path):
    with socketserver.UnixStreamServer(str(tmp_path / "s"), OnSocket) as local:
        thread = threading.Thread(target=local.handle_request)
        thread.start()
        result = call(host, url="http://localhost/x", unix_socket=str(tmp_path / "s"), return_content=True)["result"]
        thread.join()
    assert result["content"] == "socket"


# ---- certificates


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Certificate and key of a server that no authority knows, for 127.0.0.1, in one PEM file."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.fixture
def secure(certificate):
    """The same server behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(context) as running:
        yield running.url.replace("http:", "https:")


def test_an_unknown_certificate_is_refused_with_what_to_do(secure, host):
    with pytest.raises(Fail) as failure:
        call(host, url=secure + "/text")
    assert "Failed to validate the SSL certificate for 127.0.0.1:" in failure.value.msg
    assert "validate_certs" in failure.value.msg


@pytest.mark.parametrize("trust", ["authority", "anybody"])
def test_a_certificate_is_accepted_where_the_task_says_so(secure, certificate, host, trust):
    args = {"ca_path": str(certificate)} if trust == "authority" else {"validate_certs": False}
    assert call(host, url=secure + "/text", **args)["result"]["status"] == 200


def test_an_authority_that_cannot_be_read(secure, host):
    with pytest.raises(Fail, match="The certificates or ciphers of this request cannot be used"):
        call(host, url=secure + "/text", ca_path="/nonexistent")
