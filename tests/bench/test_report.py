#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The reports of scripts/bench, without measurements; and the pages agree with
docs/bench/figures.json."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

from benchlib import costs, many_caches, readme, report, scale  # noqa: E402
from benchlib.bounds import BOUNDS, LIMIT, PEER, VALUE, Bound  # noqa: E402
from benchlib.figure import Figure  # noqa: E402
from benchlib.rows import ROWS  # noqa: E402
from benchlib.stalls_table import Window, table  # noqa: E402

ARGS = argparse.Namespace(rounds=3, seconds=0.7, commit="abc", load=0.25)

BOUNDS_HERE = {"hit": Bound(LIMIT, 1.5, 1.1), "rate": Bound(PEER, 3, 5), "size": Bound(VALUE, 370, 330)}


def figures():
    return [Figure("hit", "ns", [100, 120, 110], "least", [80, 80, 100], "bare", [50, 50, 50], True),
            Figure("rate", "/s", [2e6, 1e6], peer="classic", peers=[1e6, 1e6]),
            Figure("size", "B", [320], lower_is_better=True),
            Figure("only told", "µs", [1.5], peer="other", peers=[3], lower_is_better=True)]


def rows():
    return json.loads((ROOT / "docs/bench/figures.json").read_text())


def stored():
    return [Figure(**one) for name in ROWS if name in rows() for one in rows()[name]["figures"]]


@unittest.mock.patch.dict(BOUNDS, BOUNDS_HERE)
class Readme(unittest.TestCase):
    def test_chapter(self):
        text = (ROOT / "README.md").read_text()
        names = ("hit", "rate", "size")
        made = readme.rewritten(text, figures(), ARGS, True, names)
        self.assertIn("commit abc,\nin 3 rounds of 0.7 s per figure", made)
        self.assertIn("| hit | 110 ns | 1.25× (1.10–1.50) | bare: 50 ns | 2.20× (2.00–2.40) | "
                      "≤ 1.5× limit |\n", made)
        self.assertIn("| rate | 1.50 M/s | – | classic: 1.00 M/s | 1.50× (1.00–2.00) | "
                      "≥ 3× peer, missed |\n", made)
        self.assertIn("| size | 320 B | – | – | – | ≤ 370 B |\n", made)
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

    @unittest.mock.patch.dict(BOUNDS, BOUNDS_HERE)
    def test_lines(self):
        hit, rate, size, told = figures()
        self.assertEqual(report.line(hit),
                         "| hit | 110 ns | least: 80 ns | 1.25× (1.10–1.50) | bare: 50 ns | "
                         "2.20× (2.00–2.40) | ≤ 1.5× limit | ≤ 1.1× limit | bound |")
        self.assertEqual(report.line(rate),
                         "| rate | 1.50 M/s | – | – | classic: 1.00 M/s | 1.50× (1.00–2.00) | "
                         "≥ 3× peer | ≥ 5× peer | **missed** |")
        self.assertEqual(report.line(size), "| size | 320 B | – | – | – | – | ≤ 370 B | ≤ 330 B | aim |")
        self.assertEqual(report.line(told),
                         "| only told | 1.50 µs | – | – | other: 3.00 µs | 0.50× | – | – | – |")
        hit.limits = []
        self.assertEqual(hit.verdict(), "not measured")

    def test_every_bound_is_of_a_row(self):
        """A renamed row would lose its bound."""
        known = {one.name for one in stored()}
        for name in BOUNDS:
            self.assertIn(name[0] if isinstance(name, tuple) else name, known)

    def test_says_which_rows_are_of_the_last_full_run(self):
        full = {name: {"made": "2026-12-01", "full": True, "seconds": 90} for name in ROWS}
        self.assertEqual(report.origin(full), (
            ["All rows are from one run of %.0f minutes: 2026-12-01." % (1.5 * len(ROWS))], True))
        later = {"made": "2026-12-02", "full": False, "seconds": 90}
        text, whole = report.origin({**full, "dpdk": later})
        self.assertFalse(whole)
        self.assertIn("These rows are from the last full run (2026-12-01): program-time, ", text[0])
        self.assertNotIn("dpdk", text[0])
        self.assertEqual(text[-1], "- dpdk: 2026-12-02.")

    def test_rounds_are_in_figures_json_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            output = pathlib.Path(folder)
            noted = figures()
            noted[0].note, noted[0].by_round = "between one and three", ["one", "two", "three"]
            path, _, _ = report.write(output, {"dpdk": noted}, {"dpdk": 60}, [], ARGS)
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


class Scale(unittest.TestCase):
    def test_growth(self):
        flat = [100, 80, 500, 900, 300, 100, 200, 400]
        slow = [900, 700, 600, 90, 301, 101, 190, 390]  # waits for memory, as the least program does
        self.assertEqual(scale.growth([(1000, flat), (1000000, slow)]), [])
        self.assertIn("Nothing grows faster", scale.page([(1000, flat), (1000000, slow)], [], "abc"))
        steep = [1100, 700, 950, 90, 400, 101, 190, 390]
        found = scale.growth([(1000000, slow), (4000000, steep)])
        self.assertEqual(len(found), 3)
        self.assertIn("from 1,000,000 to 4,000,000 sessions, a GET hit grows from 1.29 to 1.57", found[0])
        self.assertIn("start with adoption grows from 301 to 400 ns a session", found[2])
        self.assertIn("- " + found[0], scale.page([(1000000, slow), (4000000, steep)], [], "abc"))


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


class ManyCaches(unittest.TestCase):
    @unittest.skipUnless("SESSIOND_BUILD" in os.environ, "meson sets SESSIOND_BUILD")
    def test_page_has_what_is_calculated_and_simulated(self):
        runs = many_caches.simulated(pathlib.Path(os.environ["SESSIOND_BUILD"]))
        text = many_caches.PAGE.read_text()
        self.assertEqual(text, many_caches.rewritten(text, many_caches.tables(ROOT / "docs/bench", runs)))
        for told in ("{:,} NEWs a second".format(int(many_caches.news_held())), "%.0f ns to take" %
                     many_caches.ENGINE_TAKES, "%.0f ns to give" % many_caches.ENGINE_GIVES,
                     "%.0f ns to\nseal" % many_caches.NODE_SEALS, "%.0f ns to open" % many_caches.NODE_OPENS,
                     "{:,}".format(many_caches.SLOTS),
                     "{:,.0f},000 handshakes/s".format(many_caches.news_held() / many_caches.NEWS / 1000)):
            self.assertIn(told, text)
        for run in runs:
            count = run["caches"]
            # Two of N copies are on a lost cache, one of N + 1 moves to a new one.
            self.assertAlmostEqual(run["one_copy_left"] * count / 2, 1, delta=0.02)
            self.assertAlmostEqual(run["moved"] * (count + 1), 1, delta=0.02)
            self.assertAlmostEqual(run["added_misses"] * (count + 1), 1, delta=0.02)
            self.assertAlmostEqual(run["lost_by_two"] * count * (count - 1) / 2, 1, delta=0.02)
            self.assertLess(run["held_most"], 1.02)
            self.assertGreater(run["held_least"], 0.97)


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
