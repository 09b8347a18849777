"""What holds for the corpus and the harness themselves; needs neither program."""

import os
import struct

import pytest

from compatlib import dnsmsg, normalise
from compatlib import scenario as corpus
from differences import DIFFERENCES

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SCENARIOS = corpus.load(os.path.join(HERE, "corpus"))


@pytest.mark.parametrize("area, least", [("http", 300), ("dns", 80), ("cli", 60)])
def test_the_corpus_is_broad(area, least):
    assert sum(step.area == area for one in SCENARIOS for step in one.steps) >= least


def test_corpus_files_stay_readable():
    for folder, _, names in os.walk(HERE):
        for name in names:
            if name.endswith((".txt", ".py")):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    assert sum(1 for _ in file) < 600, name


def test_every_difference_is_documented_with_its_reason():
    if not DIFFERENCES:
        return
    with open(os.path.join(ROOT, "docs", "compatibility.md"), encoding="utf-8") as file:
        text = file.read()
    for each in DIFFERENCES:
        assert each.name in text and each.reason in text, each.name
        assert any(corpus.select([one], each.scenario) for one in SCENARIOS), f"{each.name} matches no scenario"


def test_a_scenario_is_parsed_with_options_and_bodies():
    one, = corpus.parse("x.txt", "@agent durable\n== t\n@config {}\nPUT /v1/kv/a?b\n  header A: b\n  | x\n  | y\n& $ kv get a\n")
    put, get = one.steps
    assert one.agent == "durable" and one.bodies("config") == [("{}", None)]
    assert (put.kind, put.args, put.body, put.all("header")) == ("PUT", "/v1/kv/a?b", "x\ny", ["A: b"])
    assert get.background and get.title == "& $ kv get a"


def test_a_bad_corpus_line_names_its_place():
    with pytest.raises(corpus.CorpusError, match="x.txt:2: unknown step 'FETCH'"):
        corpus.parse("x.txt", "== t\nFETCH /\n")


def test_ids_keep_their_identity_and_indexes_their_order():
    own = "11111111-2222-3333-4444-555555555555"
    a, b = "a" * 8 + "-0000-0000-0000-" + "0" * 12, "b" * 8 + "-0000-0000-0000-" + "0" * 12
    one = normalise.Normaliser(own, {"24000": "<port-http>", "/tmp/x": "<tmp>"})
    texts = [one.text(text) for text in (f"{b} {own} {a} {b}", '"ModifyIndex": 90, "LockIndex": 3, "CreateIndex": 7',
                                         "X-Consul-Index: 90", "to index 1", "127.0.0.1:24000 /tmp/x 124000",
                                         "2026-11-21T09:31:43.527Z 2026")]
    assert [one.finish(text) for text in texts] == [
        f"<uuid-1> {own} <uuid-2> <uuid-1>", '"ModifyIndex": <index-2>, "LockIndex": 3, "CreateIndex": <index-1>',
        "X-Consul-Index: <index-2>", "to index 1", "127.0.0.1:<port-http> <tmp> 124000", "<time> 2026"]


def test_lists_without_an_order_are_sorted_and_shapes_lose_values():
    one = normalise.Normaliser("", {})
    assert normalise.unordered('[{"a": ["y", "x"]}]', one, "*.a") == '[\n    {\n        "a": [\n            "x",\n            "y"\n        ]\n    }\n]'
    assert normalise.shape('{"a": [1, 2], "b": "c"}') == '{\n    "a": [\n        "<number>"\n    ],\n    "b": "<string>"\n}'


def test_dns_messages_round_trip():
    data = dnsmsg.query("A.b.consul.", "SRV", edns=4096, ecs="1.2.3.0/24")
    message = dnsmsg.Message(data)
    assert message.questions == ["A.b.consul. IN SRV"] and message.header.startswith("NOERROR opcode 0 flags rd")
    assert message.sections[2][0][1] == ". OPT size=4096 rcode=0 version=0 flags=0000 options=0008000700011800010203"
    reply = struct.pack("!HHHHHH", 1, 0x8400, 0, 1, 0, 0) + b"\1x\0" + struct.pack("!HHIH", 5, 1, 0, 2) + b"\xc0\x0c"
    assert dnsmsg.Message(reply).sections[0][0][1] == "x. 0 IN CNAME x."
    with pytest.raises(dnsmsg.Malformed):
        dnsmsg.Message(reply[:-1])
