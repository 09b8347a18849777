"""The helpers a scenario may ask for: a recursor that answers from a table, a web server that checks and watches use."""

import http.server
import socket
import socketserver
import struct
import threading
import time

from . import dnsmsg


class Recursor:
    """Answers UDP and TCP queries from `NAME TYPE DATA` lines; `NAME RCODE`, `NAME DROP`; unknown names NXDOMAIN."""

    def __init__(self, lines):
        self.lines = [line.split(None, 2) for line in lines if line]
        self.log = []
        while True:                 # one port that is free for both
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._udp.bind(("127.0.0.1", 0))
            self.port = self._udp.getsockname()[1]
            try:
                self._tcp = socket.create_server(("127.0.0.1", self.port))
                break
            except OSError:
                self._udp.close()
        self._threads = [threading.Thread(target=self._serve_udp, daemon=True),
                         threading.Thread(target=self._serve_tcp, daemon=True)]
        for thread in self._threads:
            thread.start()

    def close(self):
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self):
        while True:
            try:
                data, peer = self._udp.recvfrom(65535)
                answer = self._answer(data, "udp")
                if answer is not None:
                    self._udp.sendto(answer, peer)
            except OSError:
                return

    def _serve_tcp(self):
        while True:
            try:
                connection, _ = self._tcp.accept()
                with connection, connection.makefile("rb") as stream:
                    connection.settimeout(2)
                    size = struct.unpack("!H", stream.read(2))[0]
                    answer = self._answer(stream.read(size), "tcp")
                    if answer is not None:
                        connection.sendall(struct.pack("!H", len(answer)) + answer)
            except (TimeoutError, struct.error):
                continue
            except OSError:
                return

    def _answer(self, data, transport):
        message = dnsmsg.Message(data)
        question = message.questions[0]
        extra = " ".join(text for _, text in message.sections[2])
        self.log.append(f"{transport} {question}; {message.header}" + (f"; {extra}" if extra else ""))
        name, _, kind = question.split()
        name = name.rstrip(".").lower()
        rcode, records, known = 3, [], False
        for entry in self.lines:
            if entry[0].lower() != name:
                continue
            known = True
            if entry[1] == "DROP":
                return None
            if len(entry) == 2:
                rcode = {text: number for number, text in dnsmsg.RCODES.items()}[entry[1]]
                continue
            rcode = 0
            if kind in (entry[1], "ANY") or entry[1] == "CNAME":
                records.append(self._record(name, entry[1], entry[2]))
        if not known:
            rcode = 3
        tail = data[12:]
        reader = dnsmsg.Reader(data)
        reader.at = 12
        reader.name()
        end = reader.at + 4 - 12
        bits = 0x8080 | message.bits & 0x0100 | rcode
        return struct.pack("!HHHHHH", message.ident, bits, 1, len(records), 0, 0) + tail[:end] + b"".join(records)

    @staticmethod
    def _record(name, kind, text):
        if kind == "A":
            data = socket.inet_pton(socket.AF_INET, text)
        elif kind == "AAAA":
            data = socket.inet_pton(socket.AF_INET6, text)
        elif kind in ("CNAME", "NS", "PTR"):
            data = dnsmsg.encode_name(text)
        elif kind == "MX":
            preference, host = text.split()
            data = struct.pack("!H", int(preference)) + dnsmsg.encode_name(host)
        else:
            data = bytes([len(text)]) + text.encode()
        return dnsmsg.encode_name(name) + struct.pack("!HHIH", dnsmsg.TYPES[kind], 1, 300, len(data)) + data


class Web:
    """`/status/N` answers N, `/echo` the request, `/set` what WEB-SET chose, `/slow` after 5 s; POSTs are recorded."""

    def __init__(self):
        self.chosen = 200
        self.log = []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, code, body=b"", headers=()):
                self.send_response_only(code)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = self.path.partition("?")[0].strip("/").split("/")
                lines = [f"{name}: {value}" for name, value in self.headers.items() if name != "Host"]
                lines = ["Content-Length: <body>" if body and line == f"Content-Length: {len(body)}" else line
                         for line in lines]
                if parts[0] == "status":
                    self.answer(int(parts[1]), b"status " + parts[1].encode())
                elif parts[0] == "set":
                    self.answer(web.chosen, b"chosen")
                elif parts[0] == "echo":
                    text = "\n".join([f"{self.command} {self.path}", *lines, "", body.decode("latin-1")])
                    self.answer(200, text.encode())
                elif parts[0] == "redirect":
                    self.answer(302, b"", [("Location", "/status/200")])
                elif parts[0] == "big":
                    self.answer(200, b"0123456789" * 1000 + b"END")
                elif parts[0] == "slow":
                    time.sleep(5)
                    self.answer(200, b"late")
                elif parts[0] == "record":
                    web.log.append("\n".join([f"{self.command} {self.path}", *lines, "", body.decode("latin-1")]))
                    self.answer(200, b"")
                else:
                    self.answer(404, b"no such page")

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass                # a client that went away

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
