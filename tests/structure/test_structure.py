"""Holds the repository to structure.py's rules, and the rules to planted violations."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import structure  # noqa: E402
from structure import Tree  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CMAKE = "set(PRAETOR_LAYERS base codec model store raft fsm gossip rpc)\n"


def tree(**files):
    """tree(src__base__a_h="text"): `__` stands for a slash; the last `_` before the suffix for a dot."""
    made = Tree({"CMakeLists.txt": CMAKE})
    for name, text in files.items():
        folder, _, last = name.rpartition("__")
        stem, _, suffix = last.rpartition("_")
        made[f"{folder.replace('__', '/')}/{stem}.{suffix}"] = text
    return made


def found(rule, **files):
    return [str(violation) for violation in rule(tree(**files))]


class Repository(unittest.TestCase):
    """The tree as it stands. One test a rule, so that a report says which one is broken."""

    def holds(self, rule):
        violations = [str(violation) for violation in rule(Tree.of_repository(TOP))]
        self.assertEqual(violations, [], "\n" + "\n".join(violations))

    def test_sees_the_repository(self):
        repository = Tree.of_repository(TOP)
        self.assertIn("CMakeLists.txt", repository)
        self.assertIn("tests/structure/structure.py", repository)
        self.assertEqual(repository.layers()[0], "base")

    def test_layering(self):
        self.holds(structure.layering)

    def test_strangers(self):
        self.holds(structure.strangers)

    def test_file_length(self):
        self.holds(structure.file_length)

    def test_network_headers(self):
        self.holds(structure.network_headers)

    def test_machine_names(self):
        self.holds(structure.machine_names)


class Layering(unittest.TestCase):
    def test_downwards_is_allowed(self):
        self.assertEqual(found(structure.layering, src__raft__a_cc='#include "base/b.h"\n#include "raft/a.h"\n'
                               "#include <vector>\n"), [])

    def test_upwards_is_not(self):
        self.assertEqual(found(structure.layering, src__base__a_h='#pragma once\n#include "raft/log.h"\n'),
                         ["src/base/a.h:2: base includes raft/log.h: raft is a layer above it"])

    def test_angle_brackets_and_spaces_do_not_hide_it(self):
        self.assertEqual(len(found(structure.layering, src__base__a_cc="  #  include <raft/log.h>\n")), 1)

    def test_tests_obey_too(self):
        self.assertEqual(len(found(structure.layering, src__base__a_test_cc='#include "codec/json.h"\n')), 1)

    def test_climbing_out_of_the_folder(self):
        self.assertEqual(len(found(structure.layering, src__base__a_h='#include "../raft/log.h"\n')), 1)

    def test_folder_without_a_layer(self):
        self.assertEqual(found(structure.layering, src__util__a_h="", src__util__b_h=""),
                         ["src/util/a.h:1: src/util is not in PRAETOR_LAYERS of CMakeLists.txt"])

    def test_main_may_include_all(self):
        self.assertEqual(found(structure.layering, src__main_cc='#include "rpc/a.h"\n#include "base/a.h"\n'), [])

    def test_no_layers_is_an_error(self):
        with self.assertRaises(ValueError):
            list(structure.layering(Tree({"CMakeLists.txt": "project(x)\n"})))


class Strangers(unittest.TestCase):
    def test_raft_including_store(self):
        self.assertEqual(found(structure.strangers, src__raft__a_cc='#include "store/t.h"\n', src__store__t_h=""),
                         ["src/raft/a.cc:1: raft knows store: it reaches store/t.h"])

    def test_gossip_including_raft(self):
        self.assertEqual(len(found(structure.strangers, src__gossip__a_h='#include "raft/t.h"\n',
                                   src__raft__t_h="")), 1)

    def test_through_another_layer(self):
        self.assertEqual(found(structure.strangers, src__gossip__a_h='\n#include "fsm/f.h"\n',
                               src__fsm__f_h='#include "store/t.h"\n', src__store__t_h=""),
                         ["src/gossip/a.h:2: gossip knows store: it reaches store/t.h through fsm/f.h"])

    def test_through_a_cycle(self):
        self.assertEqual(found(structure.strangers, src__store__a_h='#include "store/b.h"\n',
                               src__store__b_h='#include "a.h"\n'), [])

    def test_above_them_all_may_meet(self):
        self.assertEqual(found(structure.strangers, src__fsm__f_h='#include "store/t.h"\n#include "raft/t.h"\n',
                               src__store__t_h="", src__raft__t_h=""), [])


class FileLength(unittest.TestCase):
    def test_at_the_limit(self):
        self.assertEqual(found(structure.file_length, src__base__a_cc="x\n" * structure.MAX_LINES), [])

    def test_one_past_it(self):
        for name in ("src__base__a_cc", "tests__compat__a_py", "bench__a_h"):
            self.assertEqual(len(found(structure.file_length, **{name: "x\n" * (structure.MAX_LINES + 1)})), 1)

    def test_data_may_be_long(self):
        self.assertEqual(found(structure.file_length, tests__compat__corpus_json="x\n" * 1000), [])


class NetworkHeaders(unittest.TestCase):
    def test_header(self):
        for included in ("boost/asio.hpp", "boost/asio/ip/tcp.hpp", "boost/beast/http.hpp"):
            self.assertEqual(len(found(structure.network_headers, src__http__a_h=f"#include <{included}>\n")), 1)

    def test_source_may(self):
        self.assertEqual(found(structure.network_headers, src__http__a_cc="#include <boost/asio.hpp>\n"), [])

    def test_other_boost_may(self):
        self.assertEqual(found(structure.network_headers, src__http__a_h="#include <boost/json.hpp>\n"), [])


class MachineNames(unittest.TestCase):
    # In pieces, because this file is searched too.
    HOSTS = ["deb.deb" + "ian.org", "ftp.de.deb" + "ian.org", "registry.npm" + "js.org", "pypi" + ".org",
             "proxy.go" + "lang.org"]

    def test_registry_hosts(self):
        for host in self.HOSTS:
            self.assertEqual(found(structure.machine_names, docs__a_md=f"x\ncurl https://{host}/x\n"),
                             [f"docs/a.md:2: names the registry host {host}"])

    def test_a_projects_site_is_no_registry(self):
        self.assertEqual(found(structure.machine_names, docs__a_md="https://www.deb" + "ian.org/\n"), [])

    def test_work_folder(self):
        for text in ("cd /wo" + "rk/main", '"/wo' + 'rk/shared/x"', "PATH=/wo" + "rk/tools:$PATH"):
            self.assertEqual(len(found(structure.machine_names, scripts__a_sh=text)), 1, text)

    def test_other_work_folders(self):
        for text in ("build/wo" + "rk/x", "${dir}/wo" + "rk/x", "../wo" + "rk/x", "/wo" + "rkers/x"):
            self.assertEqual(found(structure.machine_names, scripts__a_sh=text), [], text)


class Reading(unittest.TestCase):
    def test_new_files_count_and_ignored_ones_do_not(self):
        with tempfile.TemporaryDirectory() as top:
            subprocess.run(["git", "init", "-q", top], check=True)
            for name, text in ((".gitignore", b"/build/\n"), ("new.txt", b"x"), ("build/x", b"x"),
                               ("binary", b"\xff\xfe")):
                os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
                with open(os.path.join(top, name), "wb") as file:
                    file.write(text)
            self.assertEqual(sorted(Tree.of_repository(top)), [".gitignore", "new.txt"])

    def test_without_git(self):
        with tempfile.TemporaryDirectory() as top:
            for name in ("src/a.h", "build/x"):
                os.makedirs(os.path.dirname(os.path.join(top, name)))
                with open(os.path.join(top, name), "w", encoding="utf-8") as file:
                    file.write("x")
            self.assertEqual(sorted(Tree.of_repository(top)), ["src/a.h"])


if __name__ == "__main__":
    unittest.main()
