#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The reports of scripts/bench, without measurements; and the pages agree with
docs/bench/figures.json."""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

from benchlib import costs, readme, report  # noqa: E402
from benchlib.figure import Figure  # noqa: E402
from benchlib.rows import ROWS  # noqa: E402
from benchlib.stalls_table import Window, table  # noqa: E402

ARGS = argparse.Namespace(rounds=3, seconds=0.7, commit="abc")


def figures():
    return [Figure("hit", "ns", "bare", [100, 120, 110], [50, 50, 50], 2.6, 1.8, True),
            Figure("rate", "/s", "classic", [2e6, 1e6], [1e6, 1e6], 3, 5),
            Figure("only told", "µs", "other", [1.5], [3], None, None, True)]


def rows():
    return json.loads((ROOT / "docs/bench/figures.json").read_text())


def stored():
    return [Figure(**one) for name in ROWS if name in rows() for one in rows()[name]["figures"]]


class Readme(unittest.TestCase):
    def test_chapter(self):
        text = (ROOT / "README.md").read_text()
        names = ("hit", "rate")
        made = readme.rewritten(text, figures(), ARGS, True, names)
        self.assertIn("commit abc,\nin 3 rounds of 0.7 s per figure", made)
        self.assertIn("| hit | 110 ns | bare: 50 ns | 2.20× | ≤ 2.6× |\n", made)
        self.assertIn("| rate | 1.50 M/s | classic: 1.00 M/s | 1.50× | ≥ 3×, missed |\n", made)
        self.assertNotIn("only told", made)
        self.assertEqual(made, readme.rewritten(made, figures(), ARGS, True, names))
        before, _, rest = text.partition("## Measured")
        self.assertTrue(made.startswith(before))
        self.assertTrue(made.endswith(rest.partition("\n## ")[2]))

    def test_tells_what_was_measured(self):
        text = (ROOT / "README.md").read_text()
        lines = text.partition(readme.HEAD)[2].partition("\n\n")[0].splitlines()[2:]
        self.assertEqual(lines, [readme.line(one) for one in readme.chosen(stored())])
        self.assertEqual(len(lines), len(readme.FIGURES))
        rounds = {row["made"].rsplit(", ", 1)[1] for row in rows().values()}
        told = text.partition(readme.CHAPTER)[2].partition("\n\n")[0].replace("\n", " ")
        if "by several runs" not in told:
            self.assertEqual(len(rounds), 1)
            self.assertIn("in %s per figure" % rounds.pop(), told)


class Report(unittest.TestCase):
    def test_page_has_every_figure_once(self):
        text = (ROOT / "docs/bench/README.md").read_text().splitlines()
        self.assertEqual([one for one in text if one.startswith("| ")][1:],
                         [report.line(one) for one in stored()])

    def test_rounds_are_in_figures_json_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            output = pathlib.Path(folder)
            noted = figures()
            noted[0].note, noted[0].by_round = "between one and three", ["one", "two", "three"]
            path, _, _ = report.write(output, {"dpdk": noted}, [], ARGS, 60)
            text = path.read_text()
            self.assertIn("- hit: between one and three.\n", text)
            self.assertNotIn("two", text)
            kept = json.loads((output / "figures.json").read_text())["dpdk"]["figures"]
            self.assertEqual(kept[0]["by_round"], ["one", "two", "three"])

    def test_small_values(self):
        self.assertEqual(report.value(1.234), "1.23")
        self.assertEqual(report.value(110), "110")

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_commit_is_clean_beside_results(self):
        with tempfile.TemporaryDirectory() as folder:
            def git(*command):
                subprocess.run(["git", "-C", folder, "-c", "user.name=x", "-c", "user.email=x@x",
                                *command], check=True, stdout=subprocess.DEVNULL)
            results = pathlib.Path(folder, "docs/bench")
            results.mkdir(parents=True)
            for path in (results / "costs.dat", pathlib.Path(folder, "code.c")):
                path.write_text("before\n")
            git("init", "-q")
            git("add", ".")
            git("commit", "-qm", "x")
            (results / "costs.dat").write_text("after\n")
            root, report.ROOT = report.ROOT, folder
            try:
                self.assertFalse(report.commit().endswith("-dirty"))
                pathlib.Path(folder, "code.c").write_text("after\n")
                self.assertTrue(report.commit().endswith("-dirty"))
            finally:
                report.ROOT = root


class Costs(unittest.TestCase):
    def test_of_two_rounds_neither_is_taken(self):
        class Lab:
            args = argparse.Namespace(rounds=2)
            times = iter((40, 100, 200, 60, 300, 400))

            def reflector(self):
                return {"program_ns": next(self.times)}

            def frames(self, *_):
                return self.reflector()

            def program_of(self, _):
                return []
        self.assertEqual(costs.measure_size(Lab(), None, 1000), (50, 200, 300))


class Stalls(unittest.TestCase):
    def test_table(self):
        calm = [Window(0.1, 0.2, 0.2, 1000, 0, 0, 0, 0.1)] * 3
        # One stall of the load, and one of the server.
        got = [Window(0.1, 0.3, 0.3, 1000, 0, 0, 0, 0.1), Window(2.0, 4.0, 0.4, 1000, 9, 0, 3.8, 0.1),
               Window(0.1, 1.5, 1.5, 1000, 1, 1, 0, 1.4)]
        text = table([("xdp", "event", "get", calm, got)], [0.5, 0.7])
        self.assertIn("| 0.10 → 0.10 | 0.20 → 1.50 | 0 of 3 → 2 of 3 | 0 of 3 → 1 of 3 | "
                      "0.000 % → 0.333 % | 0.000 % → 0.033 % | 0.10 → 0.10 |", text)
        self.assertIn("away for 0.60 s", text)


if __name__ == "__main__":
    unittest.main()
