"""A DNS message encoder and decoder of our own, so that header bits, sections, sizes and compression are seen."""

import ipaddress
import socket
import struct

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "NULL": 10, "PTR": 12, "HINFO": 13, "MX": 15, "TXT": 16, "AAAA": 28,
         "SRV": 33, "NAPTR": 35, "OPT": 41, "DS": 43, "RRSIG": 46, "DNSKEY": 48, "SPF": 99, "CAA": 257,
         "IXFR": 251, "AXFR": 252, "ANY": 255}
CLASSES = {"IN": 1, "CH": 3, "HS": 4, "NONE": 254, "ANY": 255}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 16: "BADVERS"}
NAMES = {value: name for name, value in TYPES.items()}
CLASS_NAMES = {value: name for name, value in CLASSES.items()}


class Malformed(Exception):
    """The message does not decode."""


def encode_name(name):
    if name in ("", "."):
        return b"\0"
    out = b""
    for label in name.rstrip(".").split("."):
        raw = label.encode("latin-1").decode("unicode_escape").encode("latin-1")
        out += bytes([len(raw)]) + raw
    return out + b"\0"


def query(name, qtype, qclass="IN", ident=0x1234, rd=True, opcode=0, edns=None, do=False, ecs=None, edns_version=0,
          flags=0, more=()):
    """One query message. edns: UDP size or None; ecs: `1.2.3.0/24`; more: further (name, type) questions."""
    bits = flags | (0x0100 if rd else 0) | opcode << 11
    additional = b""
    if edns is not None:
        options = b""
        if ecs:
            network = ipaddress.ip_network(ecs, strict=False)
            raw = network.network_address.packed[:(network.prefixlen + 7) // 8]
            data = struct.pack("!HBB", 1 if network.version == 4 else 2, network.prefixlen, 0) + raw
            options = struct.pack("!HH", 8, len(data)) + data
        additional = b"\0" + struct.pack("!HHBBHH", 41, edns, 0, edns_version, 0x8000 if do else 0,
                                         len(options)) + options
    message = struct.pack("!HHHHHH", ident, bits, 1 + len(more), 0, 0, 1 if additional else 0)
    for each, kind in [(name, qtype), *more]:
        number = TYPES[kind] if kind in TYPES else int(kind.removeprefix("TYPE"))
        message += encode_name(each) + struct.pack("!HH", number, CLASSES[qclass])
    return message + additional


class Reader:
    """A cursor over one message; counts the compression pointers it follows."""

    def __init__(self, data):
        self.data, self.at, self.pointers = data, 0, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Malformed(f"ends at {len(self.data)}, {count} bytes wanted at {self.at}")
        chunk = self.data[self.at:self.at + count]
        self.at += count
        return chunk

    def numbers(self, form):
        return struct.unpack("!" + form, self.take(struct.calcsize("!" + form)))

    def name(self):
        labels, back, jumps = [], None, 0
        while True:
            size = self.take(1)[0]
            if size & 0xC0 == 0xC0:
                target = (size & 0x3F) << 8 | self.take(1)[0]
                back = self.at if back is None else back
                self.pointers += 1
                jumps += 1
                if jumps > 64:
                    raise Malformed("pointer loop")
                self.at = target
                continue
            if size == 0:
                break
            labels.append("".join(chr(c) if 0x21 <= c < 0x7F and chr(c) not in ".\\" else f"\\{c:03d}"
                                  for c in self.take(size)))
        if back is not None:
            self.at = back
        return ".".join(labels) + "."


def _text(raw):
    return '"' + "".join(chr(c) if 0x20 <= c < 0x7F and chr(c) not in '"\\' else f"\\{c:03d}" for c in raw) + '"'


def _rdata(reader, kind, size):
    end = reader.at + size
    if kind == "A" and size == 4:
        text = socket.inet_ntop(socket.AF_INET, reader.take(4))
    elif kind == "AAAA" and size == 16:
        text = socket.inet_ntop(socket.AF_INET6, reader.take(16))
    elif kind in ("NS", "CNAME", "PTR"):
        text = reader.name()
    elif kind == "MX":
        text = f"{reader.numbers('H')[0]} {reader.name()}"
    elif kind == "SRV":
        priority, weight, port = reader.numbers("HHH")
        text = f"{priority} {weight} {port} {reader.name()}"
    elif kind == "SOA":
        names = f"{reader.name()} {reader.name()}"
        text = names + " " + " ".join(str(number) for number in reader.numbers("IIIII"))
    elif kind == "TXT":
        parts = []
        while reader.at < end:
            parts.append(_text(reader.take(reader.take(1)[0])))
        text = " ".join(parts)
    else:
        text = "\\# " + reader.take(size).hex()
    if reader.at != end:
        raise Malformed(f"{kind} data ends at {reader.at}, not {end}")
    return text


def _record(reader):
    owner = reader.name()
    number, klass, ttl, size = reader.numbers("HHIH")
    kind = NAMES.get(number, f"TYPE{number}")
    if kind == "OPT":
        options = reader.take(size)
        return ("OPT", f". OPT size={klass} rcode={ttl >> 24} version={ttl >> 16 & 255} flags={ttl & 0xFFFF:04x}"
                       + (f" options={options.hex()}" if options else ""))
    return (kind, f"{owner} {ttl} {CLASS_NAMES.get(klass, klass)} {kind} {_rdata(reader, kind, size)}")


class Message:
    """A decoded message: header, questions and the three sections as (type, text) pairs in the order received."""

    def __init__(self, data):
        reader = Reader(data)
        self.size = len(data)
        self.ident, self.bits, *counts = reader.numbers("HHHHHH")
        self.questions = []
        for _ in range(counts[0]):
            name = reader.name()
            number, klass = reader.numbers("HH")
            self.questions.append(f"{name} {CLASS_NAMES.get(klass, klass)} {NAMES.get(number, f'TYPE{number}')}")
        self.sections = [[_record(reader) for _ in range(count)] for count in counts[1:]]
        self.pointers = reader.pointers
        self.trailing = len(data) - reader.at

    @property
    def header(self):
        names = [("qr", 15), ("aa", 10), ("tc", 9), ("rd", 8), ("ra", 7), ("z", 6), ("ad", 5), ("cd", 4)]
        flags = " ".join(name for name, bit in names if self.bits >> bit & 1)
        opcode = self.bits >> 11 & 15
        return f"{RCODES.get(self.bits & 15, self.bits & 15)} opcode {opcode} flags {flags}"


def udp(address, data, timeout):
    """Sends one datagram; the answer's bytes, or None when nothing came."""
    host, port = address
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        sock.connect((host, port))
        sock.send(data)
        try:
            return sock.recv(65535)
        except (TimeoutError, ConnectionRefusedError):
            return None


def tcp(address, data, timeout):
    """One message over TCP; None when the server closes without an answer."""
    with socket.create_connection(address, timeout) as sock:
        sock.sendall(struct.pack("!H", len(data)) + data)
        try:
            with sock.makefile("rb") as stream:
                head = stream.read(2)
                if len(head) < 2:
                    return None
                return stream.read(struct.unpack("!H", head)[0])
        except (TimeoutError, ConnectionResetError):
            return None
