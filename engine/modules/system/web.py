"""Requests over HTTP, HTTPS and FTP for `uri` and `get_url`, on what Python brings along.

Proxies come from the task's environment. Credentials never follow a redirect to another host.
"""
import http.client
import os
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request

from engine.agent.sdk import Argument, Fail

MYPY = False
if MYPY:
    from typing import Any, Dict, Iterator, List, Optional, Tuple

    from engine.agent.host import Host

ARGUMENTS = {
    "url": Argument("str", required=True, doc="Where to."),
    "force": Argument("bool", default=False, doc="Do not ask whether what is there is still fresh."),
    "http_agent": Argument("str", default="ansible-httpget", doc="The User-Agent header."),
    "use_proxy": Argument("bool", default=True, doc="Obey http_proxy and its like in the environment."),
    "validate_certs": Argument("bool", default=True, doc="Refuse servers whose certificate cannot be verified."),
    "url_username": Argument("str", doc="For Basic and Digest authentication."),
    "url_password": Argument("str", secret=True, doc="For Basic and Digest authentication."),
    "force_basic_auth": Argument("bool", default=False, doc="Send the credentials without being asked for them."),
    "client_cert": Argument("path", doc="PEM file with the client's certificate."),
    "client_key": Argument("path", doc="PEM file with its key, where client_cert has none."),
    "use_gssapi": Argument("bool", default=False, doc="Not available; refused."),
    "use_netrc": Argument("bool", default=True, doc="Take credentials from ~/.netrc where the task has none."),
    "unredirected_headers": Argument("list", elements="str", default=[], doc="Headers that do not follow a redirect."),
    "ciphers": Argument("list", elements="str", doc="OpenSSL's names of the ciphers to offer."),
    "decompress": Argument("bool", default=True, doc="Unpack what the server packed with gzip."),
}
"""What both modules take; merge into ARGUMENTS, with aliases of one's own."""

BLOCK = 1 << 16
SAFE = ("GET", "HEAD")


class Failed(Exception):
    """The request got no answer; the text says why."""


class Answer(object):
    """What a server said. status: None where the protocol has none (file, ftp); refused: the server's own text for 3xx–5xx."""

    def __init__(self, reply: "Any", asked: str, decompress: bool, refused: str = "") -> None:
        self.reply = reply
        self.asked = asked
        self.refused = refused
        self.status: "Optional[int]" = getattr(reply, "status", None) or getattr(reply, "code", None)
        self.url = reply.geturl() or asked
        self.headers = reply.headers
        self.packed = decompress and (self.headers.get("Content-Encoding") or "").lower() == "gzip"

    @property
    def message(self) -> str:
        return self.refused or "OK ({0} bytes)".format(self.headers.get("Content-Length", "unknown"))

    def blocks(self) -> "Iterator[bytes]":
        """The body in pieces. Failed where it breaks off."""
        import zlib

        unpack = zlib.decompressobj(16 + zlib.MAX_WBITS) if self.packed else None
        try:
            while True:
                block = self.reply.read(BLOCK)
                if not block:
                    break
                yield unpack.decompress(block) if unpack is not None else block
            if unpack is not None:
                yield unpack.flush()
        except (OSError, http.client.HTTPException, zlib.error) as error:
            raise Failed("the answer broke off: {0}".format(error or type(error).__name__))

    def body(self) -> bytes:
        return b"".join(self.blocks())

    def close(self) -> None:
        self.reply.close()


def ask(
    args: "Dict[str, Any]",
    host: "Host",
    url: str,
    method: str = "GET",
    headers: "Optional[Dict[str, str]]" = None,
    body: "Any" = None,
    redirects: str = "urllib2",
    timeout: float = 10.0,
) -> Answer:
    """Send one request and what redirects lead to; an answer of any status is an Answer. Failed where there is none.

    args: ARGUMENTS above, and `ca_path`, `unix_socket` where the module has them. redirects: all, safe, none, urllib2.
    timeout: seconds that the server may be silent.
    """
    if args.get("use_gssapi"):
        raise Fail("use_gssapi is not supported: only Basic and Digest authentication are")
    plain, user, password = credentials(args, host, url)
    sent = {str(name): str(value) for name, value in (headers or {}).items()}
    if not any(name.lower() == "user-agent" for name in sent):
        sent["User-Agent"] = args.get("http_agent") or "ansible-httpget"
    if user is not None and (args.get("force_basic_auth") or not args.get("url_username")):
        sent["Authorization"] = basic(user, password)
    try:
        request = urllib.request.Request(plain, data=body, headers=sent, method=method)
        opener = urllib.request.build_opener(*handlers(args, host, plain, user, password, redirects))
        return Answer(opener.open(request, timeout=timeout), plain, bool(args.get("decompress", True)))
    except urllib.error.HTTPError as error:
        return Answer(error, plain, bool(args.get("decompress", True)), str(error))
    except ssl.SSLError as error:
        raise Failed("Request failed: {0}".format(error))
    except (OSError, http.client.HTTPException) as error:
        raise Failed(certificate_text(error, plain) or "Request failed: {0}".format(error))
    except ValueError as error:
        raise Failed(str(error))


def certificate_text(error: Exception, url: str) -> str:
    """What to do about a certificate that cannot be verified; "" for other errors."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(reason):
        place = urllib.parse.urlsplit(url)
        return (
            "Failed to validate the SSL certificate for {0}:{1}. Install the certificate of its authority, or set validate_certs to false, "
            "which is unsafe. The exception msg was: {2}.".format(place.hostname, place.port or 443, reason)
        )
    return ""


def credentials(args: "Dict[str, Any]", host: "Host", url: str) -> "Tuple[str, Optional[str], str]":
    """The URL without credentials in it; user and password, of the task, else of the URL, else of ~/.netrc."""
    place = urllib.parse.urlsplit(url)
    plain, user, password = url, args.get("url_username"), args.get("url_password") or ""
    if "@" in place.netloc and place.scheme in ("http", "https"):
        plain = urllib.parse.urlunsplit(place._replace(netloc=place.netloc.rpartition("@")[2]))
        if not user:
            user, password = urllib.parse.unquote(place.username or ""), urllib.parse.unquote(place.password or "")
    if not user and args.get("use_netrc") and place.scheme in ("http", "https"):
        user, password = from_netrc(host, place.hostname or "")
    return plain, user or None, password


def from_netrc(host: "Host", name: str) -> "Tuple[Optional[str], str]":
    path = host.environ.get("NETRC") or host.expand("~/.netrc")
    if not os.path.exists(path):
        return None, ""
    import netrc

    try:
        found = netrc.netrc(path).authenticators(name)
    except (OSError, netrc.NetrcParseError):
        return None, ""
    return (found[0], found[2] or "") if found else (None, "")


def basic(user: str, password: str) -> str:
    import base64

    return "Basic " + base64.b64encode("{0}:{1}".format(user, password).encode("utf-8", "surrogateescape")).decode("ascii")


def handlers(args: "Dict[str, Any]", host: "Host", url: str, user: "Optional[str]", password: str, redirects: str) -> "List[Any]":
    """urllib's parts for this request."""
    found = [urllib.request.ProxyHandler(proxies(args, host, url)), Redirects(redirects, args.get("unredirected_headers") or [], url)]
    if user is not None:
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        known.add_password(None, url, user, password)
        found.extend([BasicLogin(known), DigestLogin(known)])
    if args.get("unix_socket"):
        found.append(SocketHandler(args["unix_socket"]))
    if url.startswith("https"):
        found.append(urllib.request.HTTPSHandler(context=tls(args)))
    return found


def proxies(args: "Dict[str, Any]", host: "Host", url: str) -> "Dict[str, str]":
    """Proxies of the task's environment; none where `no_proxy` names the server."""
    if not args.get("use_proxy", True):
        return {}
    named = {
        name[:-len("_proxy")].lower(): value
        for name, value in sorted(host.environ.items()) if name.lower().endswith("_proxy") and value and name != "HTTP_PROXY"
    }
    place = urllib.parse.urlsplit(url).netloc.rpartition("@")[2]
    if "no" in named and urllib.request.proxy_bypass_environment(place, named):  # type: ignore[attr-defined, unused-ignore]
        return {}
    return {name: value for name, value in named.items() if name != "no"}


def tls(args: "Dict[str, Any]") -> ssl.SSLContext:
    """Fail where a certificate file cannot be read."""
    try:
        made = ssl.create_default_context(cafile=args.get("ca_path"))
        if not args.get("validate_certs", True):
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        if args.get("client_cert"):
            made.load_cert_chain(args["client_cert"], args.get("client_key"))
        if args.get("ciphers"):
            made.set_ciphers(":".join(args["ciphers"]))
    except (OSError, ssl.SSLError) as error:
        raise Fail("The certificates or ciphers of this request cannot be used: {0}".format(error))
    return made


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows as `follow_redirects` says; what is secret stays with the first host."""

    def __init__(self, policy: str, kept_back: "List[str]", url: str) -> None:
        self.policy = {"yes": "all", "no": "none", "True": "all", "False": "none"}.get(policy, policy)
        self.kept_back = [name.lower() for name in kept_back]
        self.first = urllib.parse.urlsplit(url).netloc

    def http_error_308(self, req: "Any", fp: "Any", code: int, msg: str, headers: "Any") -> "Any":
        return self.http_error_302(req, fp, code, msg, headers)

    def redirect_request(self, req: "Any", fp: "Any", code: int, msg: str, headers: "Any", newurl: str) -> "Any":
        """The request to follow with; None refuses, and the 3xx is the answer."""
        method = req.get_method()
        if self.policy == "none" or (self.policy == "safe" and method not in SAFE):
            return None
        if self.policy == "urllib2" and method not in ("GET", "HEAD", "POST"):
            return None
        keeps = code in (307, 308)
        if keeps and self.policy == "urllib2" and method == "POST":
            return None
        left = {name: value for name, value in req.header_items() if name.lower() not in self.kept_back}
        if urllib.parse.urlsplit(newurl).netloc != self.first:
            left = {name: value for name, value in left.items() if name.lower() not in ("authorization", "cookie")}
        left = {name: value for name, value in left.items() if name.lower() != "host"}
        if not keeps:
            left = {name: value for name, value in left.items() if name.lower() not in ("content-length", "content-type")}
            method = method if method in SAFE else "GET"
        return urllib.request.Request(
            newurl.replace(" ", "%20"), data=req.data if keeps else None, headers=left, method=method,
            origin_req_host=req.origin_req_host, unverifiable=True,
        )


class BasicLogin(urllib.request.HTTPBasicAuthHandler):
    """Answers a 401, and closes it: urllib leaves it open."""

    def http_error_401(self, req: "Any", fp: "Any", code: int, msg: str, headers: "Any") -> "Any":
        return closing(urllib.request.HTTPBasicAuthHandler.http_error_401, self, req, fp, code, msg, headers)


class DigestLogin(urllib.request.HTTPDigestAuthHandler):
    """The same for Digest."""

    def http_error_401(self, req: "Any", fp: "Any", code: int, msg: str, headers: "Any") -> "Any":
        return closing(urllib.request.HTTPDigestAuthHandler.http_error_401, self, req, fp, code, msg, headers)


def closing(login: "Any", handler: "Any", req: "Any", fp: "Any", *answer: "Any") -> "Any":
    """Log in; the answer that asked for it is closed once there is another. None: this handler cannot."""
    try:
        reply = login(handler, req, fp, *answer)
    except urllib.error.HTTPError as error:
        if error.fp is not fp:
            fp.close()
        raise
    if reply is not None:
        fp.close()
    return reply


class SocketHandler(urllib.request.HTTPHandler):
    """HTTP over a Unix socket, as Docker's."""

    def __init__(self, path: str) -> None:
        urllib.request.HTTPHandler.__init__(self)
        self.path = path

    def http_open(self, req: "Any") -> "Any":
        path = self.path

        class Connection(http.client.HTTPConnection):
            def connect(self) -> None:
                self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self.sock.settimeout(self.timeout if isinstance(self.timeout, (int, float)) else None)
                try:
                    self.sock.connect(path)
                except OSError as error:
                    raise OSError("Invalid Socket File ({0}): {1}".format(path, error))

        return self.do_open(Connection, req)


def saved(answer: Answer, path: str) -> int:
    """Write the body to `path` (0600, must not exist); its size in bytes. Failed where it breaks off or is shorter than announced."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    size = 0
    with os.fdopen(descriptor, "wb") as file:
        for block in answer.blocks():
            file.write(block)
            size += len(block)
    announced = answer.headers.get("Content-Length")
    if announced is not None and announced.isdigit() and not answer.packed and size < int(announced):
        raise Failed("the answer broke off after {0} of {1} bytes".format(size, announced))
    return size


def modified_since(host: "Host", path: str) -> str:
    """The time of a file as If-Modified-Since wants it, whatever the locale."""
    from email.utils import formatdate

    found = host.stat(path)
    return formatdate(found.st_mtime if found is not None else 0, usegmt=True)


def file_name(answer: Answer) -> str:
    """What to call the answer in a directory: the server's word for it without any folder, else the end of its URL."""
    from email.message import Message

    header = answer.headers.get("Content-Disposition")
    name = ""
    if header:
        message = Message()
        message["Content-Disposition"] = header
        name = os.path.basename((message.get_filename() or "").replace("\\", "/"))
    if name in ("", ".", ".."):
        name = os.path.basename(urllib.parse.unquote(urllib.parse.urlsplit(answer.url).path))
    return name if name not in ("", ".", "..") else "index.html"


def shown_url(url: str) -> str:
    """The URL without a password in it."""
    place = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(place._replace(netloc=place.netloc.rpartition("@")[2])) if "@" in place.netloc else url
