"""The whole harness on a handful of people: two variants, two seeds, a step or two a stage; and a second call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import claims
import claims_runs
import pytest
from claims_variants import ROWS

from aio_reid.errors import TrainingError
from aio_reid.evaluation.report import make_table, read_result
from aio_reid.training import reliability

SMALL = (
    "model.encoder.width=16",
    "model.encoder.depth=1",
    "model.encoder.num_heads=2",
    "model.image_size=[32, 16]",
    "model.pyramid_widths=[4, 4, 8]",
    "model.word_width=4",
    "data.num_identities=3",
    "optim.learning_rate=0.003",
)
ARGUMENTS = [
    *("--only", "full", "--only", "no-synthesis", "--seeds", "1", "2", "--jobs", "1"),
    *("--steps-factor", "0.001", "--people-factor", "0.001", "--folder", "runs/tiny", "--set", "compile=false"),
    *(word for override in SMALL for word in ("--set", override)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the harness once; return the folder that it ran in."""
    here = tmp_path_factory.mktemp("claims")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        patch.setattr(claims, "usable_cores", lambda: 1)
        patch.setattr(reliability, "GRID", (0.5, 1.0))
        assert claims.main(ARGUMENTS) == 0
    return here


def result_of(folder: Path) -> dict[str, Any]:
    return dict(read_result(folder / "runs" / "tiny" / "claims.json"))


def test_two_variants_two_seeds(folder: Path) -> None:
    result = result_of(folder)
    assert (result["is_trial"], result["is_complete"], result["failures"]) == (True, False, {})
    assert [(run["variant"], run["seed"]) for run in result["runs"]] == [
        ("full", 1),
        ("full", 2),
        ("no-synthesis", 1),
        ("no-synthesis", 2),
    ]
    assert [row["name"] for row in result["rows"]] == ["full", "no-synthesis", "stage1", "no-synthesis-stage1"]
    for run in result["runs"]:
        assert set(run["stages"]) == {"stage1", "stage2"}
        for stage in run["stages"].values():
            asked = [(task["task"], task["fusion"]) for task in stage["tasks"]]
            assert len(asked) == len(set(asked)) == 4 + 3 * 11  # 11 combinations of several in three ways
            assert all(0 <= task["mAP"] <= 1 and task["num_queries"] == 8 for task in stage["tasks"])
            assert set(stage["reliability"]) == {"rgb", "infrared", "sketch", "text"}
            assert stage["training_s"] > 0
    assert str(folder) not in json.dumps(result)  # nothing of this machine's folders


def test_runs_are_asked_for_the_same_people_on_the_same_encoder(folder: Path) -> None:
    stages = [stage for run in result_of(folder)["runs"] for stage in run["stages"].values()]
    assert len({json.dumps(stage["test"]) for stage in stages}) == 1
    assert len({stage["encoder"] for stage in stages}) == 1
    assert len({stage["config_sha256"] for stage in stages}) == len(stages)
    assert len({stage["weights_sha256"] for stage in stages}) == len(stages)


def test_rows_are_the_runs(folder: Path) -> None:
    result = result_of(folder)
    of = {(run["variant"], run["seed"]): run["stages"] for run in result["runs"]}

    def mean_ap(variant: str, seed: int, stage: str) -> float:
        return next(
            t["mAP"] for t in of[variant, seed][stage]["tasks"] if (t["task"], t["fusion"]) == ("RIST", "early")
        )

    rows = {row["name"]: row for row in result["rows"]}
    both = [mean_ap("full", seed, "stage1") for seed in (1, 2)]
    assert rows["stage1"]["cells"]["RIST early"]["mAP"]["mean"] == pytest.approx(sum(both) / 2)
    less = [mean_ap("no-synthesis", seed, "stage1") for seed in (1, 2)]
    difference = rows["no-synthesis-stage1"]["differences"]["RIST early"]["mAP"]["mean"]
    assert difference == pytest.approx((sum(less) - sum(both)) / 2)
    assert rows["full"]["differences"] == {}


def test_the_tables_of_the_result(folder: Path) -> None:
    result = result_of(folder)
    table = make_table(result)
    titles = {row.name: row.title for row in ROWS}
    assert [row[0] for row in table.rows] == [titles[row["name"]] for row in result["rows"]]
    assert len(make_table(result, "differences").rows) == 3
    assert len(make_table(result, "combinations").rows) == 15
    assert "A trial" in " ".join(table.notes)


def test_a_second_call_trains_nothing_and_another_setting_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = result_of(folder)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a finished run is trained again")

    monkeypatch.chdir(folder)
    monkeypatch.setattr(claims_runs, "train", never)
    assert claims.main(ARGUMENTS) == 0
    assert "4 runs, 4 done, 0 to do" in capsys.readouterr().err
    assert result_of(folder)["rows"] == before["rows"]
    assert claims.main([*ARGUMENTS, "--set", "loss.temperature=0.1"]) == 2
    assert "'runs/tiny/encoder'" in capsys.readouterr().err


def test_an_unknown_variant_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert claims.main(["--only", "magic"]) == 2
    assert "variant 'magic' is not known; choose from: full, no-fb" in capsys.readouterr().err


def test_what_fails_is_told_and_tried_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise TrainingError("loss not finite at step 1")

    monkeypatch.chdir(folder)
    monkeypatch.setattr(claims_runs, "train", fails)
    arguments = [*ARGUMENTS, "--only", "no-fb", "--out", "failed.json"]
    for _ in range(2):  # the second call tries again
        assert claims.main(arguments) == 1
        assert "6 runs, 4 done, 2 to do" in capsys.readouterr().err
    result = read_result(Path("failed.json"))
    assert result["failures"] == {f"no-fb:{seed}": "loss not finite at step 1" for seed in (1, 2)}
    assert "no-fb" not in [row["name"] for row in result["rows"]]
    assert "Failed: no-fb:1: loss not finite at step 1." in make_table(result).notes
