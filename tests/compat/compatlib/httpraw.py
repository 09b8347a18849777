"""HTTP/1.1 by hand over a socket, so that what came over the wire is compared and not what a library made of it."""

import gzip
import socket
import time
import zlib

DROPPED = {"date"}


class Response:
    """Status line, headers in the order received, body decoded from chunks, how it was framed."""

    def __init__(self):
        self.status = ""
        self.headers = []
        self.body = b""
        self.framing = ""           # what is wrong with the framing, if anything
        self.elapsed = 0.0

    def header(self, name):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None


def connect(address, timeout):
    if address.startswith("unix://"):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        sock.connect(address.removeprefix("unix://"))
        return sock
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout)


def _line(stream):
    line = stream.readline(65536)
    if not line:
        raise EOFError("connection closed")
    return line.rstrip(b"\r\n").decode("latin-1")


def read_response(stream, method):
    response = Response()
    response.status = _line(stream)
    while True:
        line = _line(stream)
        if not line:
            break
        key, _, value = line.partition(": ")
        response.headers.append((key, value))
    code = response.status.split(" ")[1]
    if method == "HEAD" or code.startswith("1") or code in ("204", "304"):
        return response
    if (response.header("Transfer-Encoding") or "").lower() == "chunked":
        while True:
            size = int(_line(stream).split(";")[0], 16)
            if size == 0:
                while _line(stream):
                    pass
                return response
            response.body += stream.read(size)
            stream.readline()
    length = response.header("Content-Length")
    if length is None:
        response.body = stream.read()
        return response
    response.body = stream.read(int(length))
    if len(response.body) != int(length):
        response.framing = f"{len(response.body)} of {length} bytes came"
    return response


def request(address, method, target, headers, body, timeout):
    """One request on its own connection. headers: (name, value) pairs; a given Host or Content-Length wins."""
    names = {name.lower() for name, _ in headers}
    lines = [f"{method} {target} HTTP/1.1"]
    if "host" not in names:
        lines.append("Host: localhost")
    lines += [f"{name}: {value}" for name, value in headers]
    payload = body.encode("utf-8", "surrogateescape") if body is not None else b""
    if (payload or method in ("PUT", "POST")) and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(payload)}")
    began = time.monotonic()
    with connect(address, timeout) as sock:
        try:
            sock.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + payload)
        except (BrokenPipeError, ConnectionResetError):
            pass                    # the server answered before it read everything
        with sock.makefile("rb") as stream:
            response = read_response(stream, method)
    response.elapsed = time.monotonic() - began
    return response


def exchange(address, data, timeout, idle=0.7):
    """Sends raw bytes, returns everything that comes until the server closes or is silent."""
    received = b""
    with connect(address, timeout) as sock:
        sock.sendall(data)
        sock.settimeout(idle)
        closed = False
        try:
            while True:
                chunk = sock.recv(65536)
                if not chunk:
                    closed = True
                    break
                received += chunk
        except (TimeoutError, ConnectionResetError):
            pass
    return received, closed


def decoded(response):
    """The body without its content encoding."""
    if response.header("Content-Encoding") == "gzip":
        try:
            return gzip.decompress(response.body)
        except (OSError, EOFError, zlib.error):
            return b"<not gzip> " + response.body
    return response.body


def printable(data):
    """Bytes as text lines; what is not UTF-8 is escaped; a missing last newline is shown."""
    text = data.decode("utf-8", "backslashreplace")
    text = "".join(c if c in "\n\t" or c >= " " else f"\\x{ord(c):02x}" for c in text)
    return text


def render_headers(response):
    """The header lines as received, without the date; Content-Length only says whether it was right."""
    lines = []
    for name, value in response.headers:
        if name.lower() in DROPPED:
            continue
        if name.lower() == "content-length" and value == str(len(response.body)) and response.body:
            value = "<body>"
        if name.lower() == "age":
            value = "<age>" if value.isdigit() else value
        lines.append(f"{name}: {value}")
    return lines
