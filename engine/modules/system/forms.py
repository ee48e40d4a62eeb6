"""Bodies of web requests: JSON, and the two kinds of forms."""
import os

from engine.agent.sdk import Fail

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Tuple

    from engine.agent.host import Host


def encoded(body: "Any", form: str, host: "Host") -> "Tuple[Any, str]":
    """The bytes of a body (None for none) and their content type, "" where that is not ours to say.

    form: raw, json, form-urlencoded or form-multipart. Text is taken as written already, but for multipart.
    """
    if form == "form-multipart":
        return multipart(body, host)
    if body is None:
        return None, ""
    if form == "json":
        return (as_bytes(body) if isinstance(body, (str, bytes)) else as_json(body)), "application/json"
    if form == "form-urlencoded":
        return (as_bytes(body) if isinstance(body, (str, bytes)) else urlencoded(body)), "application/x-www-form-urlencoded"
    if isinstance(body, (dict, list)):
        raise Fail("body is a {0}, and body_format is raw: name the format, such as json".format(type(body).__name__))
    return as_bytes(body), ""


def as_bytes(value: "Any") -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")


def as_json(value: "Any") -> bytes:
    import json

    return json.dumps(value).encode("ascii")


def urlencoded(body: "Any") -> bytes:
    """A dictionary, or a list of pairs; a value that is a list stands for several."""
    from urllib.parse import urlencode

    pairs: "List[Tuple[Any, Any]]" = []
    try:
        for name, value in body.items() if isinstance(body, dict) else body:
            for each in value if isinstance(value, (list, tuple)) else [value]:
                pairs.append((name, each))
    except (TypeError, ValueError) as error:
        raise Fail("failed to parse body as form_urlencoded: {0}".format(error))
    return urlencode(pairs).encode("ascii")


def multipart(body: "Any", host: "Host") -> "Tuple[bytes, str]":
    """Source: RFC 7578. A field is a text, or a dictionary of content, filename, mime_type and multipart_encoding."""
    if not isinstance(body, dict):
        raise Fail("failed to parse body as form-multipart: a dictionary is needed, not {0}".format(type(body).__name__))
    boundary = "=" * 15 + os.urandom(16).hex()
    parts = []
    for name in sorted(body):
        head, data = part(str(name), body[name], host)
        lines = ["--" + boundary] + ["{0}: {1}".format(key, value) for key, value in head] + ["", ""]
        parts.append("\r\n".join(lines).encode("utf-8", "surrogateescape") + data + b"\r\n")
    whole = b"".join(parts) + "--{0}--\r\n".format(boundary).encode("ascii")
    return whole, 'multipart/form-data; boundary="{0}"'.format(boundary)


def part(name: str, field: "Any", host: "Host") -> "Tuple[List[Tuple[str, str]], bytes]":
    """Headers and content of one field."""
    given: "Dict[str, Any]" = field if isinstance(field, dict) else {"content": field}
    filename, content = given.get("filename"), given.get("content")
    if filename is None and content is None:
        raise Fail("at least one of filename or content must be provided for the field {0}".format(name))
    if content is None:
        try:
            content = host.read_bytes(str(filename))
        except OSError as error:
            raise Fail("{0} cannot be read for the field {1}: {2}".format(filename, name, error.strerror or error))
    data = as_bytes(content)
    head = []
    kind = given.get("mime_type") or (guessed(filename) if filename else "text/plain")
    head.append(("Content-Type", kind))
    if given.get("multipart_encoding"):
        data, encoding = transfer_encoded(data, given["multipart_encoding"])
        head.append(("Content-Transfer-Encoding", encoding))
    disposition = 'form-data; name="{0}"'.format(quoted(name))
    if filename is not None:
        disposition += '; filename="{0}"'.format(quoted(os.path.basename(filename)))
    head.append(("Content-Disposition", disposition))
    return head, data


def quoted(text: str) -> str:
    """Within quotes of a header. Source: RFC 7578 section 4.2 and the WHATWG form rules browsers follow."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def guessed(filename: str) -> str:
    import mimetypes

    return mimetypes.guess_type(filename)[0] or "application/octet-stream"


def transfer_encoded(data: bytes, encoding: str) -> "Tuple[bytes, str]":
    if encoding == "base64":
        import base64

        return base64.encodebytes(data), "base64"
    if encoding == "7or8bit":
        return data, "7bit" if all(byte < 128 for byte in data) else "8bit"
    raise Fail("multipart_encoding must be one of: base64, 7or8bit, got: {0}".format(encoding))
