"""The forms of a table."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from aio_reid.evaluation.table import Table, escape_latex, to_latex

EVERYTHING = r"""all_of {it} 100% $5 #1 a&b ~ ^ \ <x> | "y" `z` – 3 × 4 ± 1"""


def test_every_mark_of_latex_is_escaped() -> None:
    assert escape_latex(EVERYTHING) == (
        r"all\_of \{it\} 100\% \$5 \#1 a\&b \textasciitilde{} \textasciicircum{} \textbackslash{} "
        r"\textless{}x\textgreater{} \textbar{} ''y'' 'z' -- 3 $\times$ 4 $\pm$ 1"
    )
    assert escape_latex("run --data a-b ---") == "run -{}-data a-b -{}-{}-"
    assert escape_latex("two\n lines") == "two lines"


def test_a_table_by_hand() -> None:
    table = Table(("query", "R1"), (("S & T", "50.0%"), ("R", "–")), ("of a_b",))
    assert to_latex(table, caption="Of 1%").splitlines() == [
        r"\begin{table}",
        r"\centering",
        r"\caption{Of 1\%}",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"query & R1 \\",
        r"\midrule",
        r"S \& T & 50.0\% \\",
        r"R & -- \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\footnotesize of a\_b",
        r"\end{table}",
    ]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no LaTeX here")
def test_latex_reads_it(tmp_path: Path) -> None:
    table = to_latex(Table(("a", "b"), ((EVERYTHING, "1"),), (EVERYTHING,)), caption=EVERYTHING)
    page = rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{table}\end{{document}}"
    (tmp_path / "t.tex").write_text(page, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_a_long_table_becomes_several_that_fit_a_page() -> None:
    rows = tuple((f"task {n}", str(n)) for n in range(95))
    text = to_latex(Table(("a", "b"), rows, ("the note",)), caption="Long")
    parts = text.split(r"\begin{table}")[1:]
    assert [part.count("task ") for part in parts] == [40, 40, 15]
    assert [line for line in text.splitlines() if line.startswith("task")] == [rf"task {n} & {n} \\" for n in range(95)]
    assert ["(continued)" in part for part in parts] == [False, True, True]
    assert [part.count("the note") for part in parts] == [0, 0, 1]
    assert all(part.count(r"\toprule") == part.count(r"\end{table}") == 1 for part in parts)
