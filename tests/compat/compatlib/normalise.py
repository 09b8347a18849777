"""Makes two runs comparable: ids, indexes, times, ports and folders become names that keep their relations."""

import json
import re

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z| ?[+-]\d\d:?\d\d(?: UTC)?)")
CONTENT_HASH = re.compile(r'("ContentHash": ?"|X-Consul-Contenthash: )([0-9a-f]{16})\b')
# Where a Raft index stands: JSON fields, headers, command output, error texts.
INDEXES = [
    re.compile(r'("(?:CreateIndex|ModifyIndex|Index|PrimaryModifyIndex|RaftIndex)": ?)(\d+)'),
    re.compile(r"((?:^|\n)X-Consul-Index: )(\d+)"),
    re.compile(r"((?:^|\n)(?:CreateIndex|ModifyIndex|Index) +)(\d+)"),
    re.compile(r"((?:^|\n) *(?:Create|Modify) Index: +)(\d+)"),
    re.compile(r"(current modify index |to index |CONSUL_INDEX=)(\d+)"),
    re.compile(r"(\x00I\d+\x00 != )(\d+)"),
]
MARK = "\x00I%d\x00"


class Normaliser:
    """One for each run of a scenario on one side. text() first, for every step; then finish() on each."""

    def __init__(self, own_text, literals):
        self._own = set(UUID.findall(own_text))      # ids the corpus itself wrote stay as they are
        self._uuids = {}
        self._literals = sorted(literals.items(), key=lambda item: -len(item[0]))
        self._hashes = {}
        self._indexes = set()
        self.start_index = 1         # what the agent wrote by itself until it was ready: its order is a race

    def _uuid(self, match):
        text = match[0]
        if text in self._own:
            return text
        return self._uuids.setdefault(text, f"<uuid-{len(self._uuids) + 1}>")

    def known(self, text):
        """The text with only the ids replaced that were seen before: a sort key that does not change the numbering."""
        return UUID.sub(lambda match: self._uuids.get(match[0], "<uuid>"), text)

    def _index(self, match):
        value = int(match[2])
        if value < 2:                # 0 and 1 have meanings of their own
            return match[0]
        self._indexes.add(value)
        return match[1] + MARK % value

    def text(self, text):
        for literal, name in self._literals:
            if re.fullmatch(r"\d+", literal):
                text = re.sub(rf"(?<![\d.]){literal}(?!\d)", name, text)
            else:
                text = text.replace(literal, name)
        text = UUID.sub(self._uuid, text)
        text = TIME.sub("<time>", text)
        text = CONTENT_HASH.sub(lambda m: m[1] + self._hashes.setdefault(m[2], f"<hash-{len(self._hashes) + 1}>"), text)
        for pattern in INDEXES:
            text = pattern.sub(self._index, text)
        return text

    def finish(self, text):
        """Indexes become their rank among all indexes of the scenario: order and equality stay."""
        own = sorted(v for v in self._indexes if self.start_index < v < 1 << 40)
        ranks = {value: rank for rank, value in enumerate(own, 1)}
        hashes = {}

        def name(match):
            value = int(match[1])
            if value <= self.start_index:
                return "<index-start>"
            if value in ranks:
                return f"<index-{ranks[value]}>"
            return f"<event-{hashes.setdefault(value, len(hashes) + 1)}>"
        return re.sub("\x00I(\\d+)\x00", name, text)


def unordered(text, normaliser, paths):
    """JSON with its lists sorted (all of them, or those under the dotted paths): for answers without an order."""
    try:
        document = json.loads(text)
    except ValueError:
        return text
    wanted = [tuple(path.split(".")) for path in paths.split()]

    def visit(value, path):
        if isinstance(value, dict):
            return {key: visit(item, path + (key,)) for key, item in value.items()}
        if isinstance(value, list):
            items = [visit(item, path + ("*",)) for item in value]
            if not wanted or path in wanted or (path == () and ("$",) in wanted):
                items.sort(key=lambda item: normaliser.known(json.dumps(item)))
            return items
        return value
    return json.dumps(visit(document, ()), indent=4)


def shape(text, keep=()):
    """JSON with every leaf replaced by its type; lists show the distinct shapes of their elements."""
    try:
        document = json.loads(text)
    except ValueError:
        return text

    def visit(value, path):
        if path in keep:
            return value
        if isinstance(value, dict):
            return {key: visit(item, f"{path}.{key}" if path else key) for key, item in value.items()}
        if isinstance(value, list):
            seen = []
            for item in value:
                one = visit(item, path)
                if one not in seen:
                    seen.append(one)
            return seen
        return {bool: "<bool>", int: "<number>", float: "<number>", str: "<string>",
                type(None): None}[type(value)]
    return json.dumps(visit(document, ""), indent=4)


def pick(document, path):
    """`0.Service.ID` -> that part of a parsed document; `*` not supported here."""
    for part in path.split(".") if path else []:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document
