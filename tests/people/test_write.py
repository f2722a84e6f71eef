from __future__ import annotations

import errno
import io
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from aio_reid.errors import DataError, StorageError
from aio_reid.people import write
from aio_reid.people.identity import random_identity
from aio_reid.people.plan import PeoplePlan, Splits, ViewCounts, draw_shot, tell_shot
from aio_reid.people.write import write_people
from aio_reid.records import Modality, Split

FEW = ViewCounts(photos=2, infrared=1, sketches=1, pencils=1, captions=2)
SIZE = (64, 32)


def draw(out: Path, **changes: object) -> Path:
    options: dict[str, object] = {"identities": 3, "views": FEW, "size": SIZE, "workers": 1, **changes}
    return write_people(out, **options)  # type: ignore[arg-type]


def rows_of(manifest: Path) -> list[dict[str, object]]:
    return pq.read_table(manifest).to_pylist()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("people") / "set").parent


def test_manifest_lists_every_picture_and_sentence_once(drawn: Path) -> None:
    rows = rows_of(drawn / "manifest.parquet")
    counts: dict[tuple[object, object], int] = defaultdict(int)
    for row in rows:
        counts[row["person"], row["modality"]] += 1
        assert (row["path"] is None) == (row["modality"] == "text") != (row["caption"] is None)
        assert row["split"] == "train"
        assert (row["camera"] is not None) == (row["modality"] in ("rgb", "infrared"))
        assert bool(row["attributes"]) == (row["modality"] in ("rgb", "text"))
    expected = {"rgb": 2, "infrared": 1, "sketch": 1, "pencil": 1, "text": 2}
    assert counts == {(f"{n:08d}", m): k for n in range(3) for m, k in expected.items()}
    on_disk = {str(p.relative_to(drawn)) for p in drawn.rglob("*.jpg")}
    assert on_disk == {row["path"] for row in rows if row["path"]}


def test_pictures_have_the_size_and_grey_modalities_are_grey(drawn: Path) -> None:
    for row in rows_of(drawn / "manifest.parquet"):
        if row["path"] is None:
            continue
        pixels = np.asarray(Image.open(drawn / str(row["path"])))
        assert pixels.shape == (*SIZE, 3)
        if not Modality(str(row["modality"])).has_colour:
            assert np.ptp(pixels.astype(int), axis=2).max() <= 3, row["path"]


def test_same_seed_same_bytes_other_seed_other_people(drawn: Path, tmp_path: Path) -> None:
    draw(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(drawn)
    other = rows_of(draw(tmp_path / "other", seed=1, identities=1))
    assert {row["person"] for row in other} == {"01000000"}


def test_processes_draw_the_same_as_one(tmp_path: Path) -> None:
    only = ViewCounts(photos=1, infrared=0, sketches=0, pencils=0, captions=1)
    one = draw(tmp_path / "one", identities=9, views=only)
    two = draw(tmp_path / "two", identities=9, views=only, workers=2)
    assert contents(one.parent) == contents(two.parent)


def test_an_interrupted_run_goes_on(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "cut"
    real, drawn_shots = write.draw_shot, []

    def cut_off(*arguments: object) -> np.ndarray:
        if len(drawn_shots) == 7:
            raise KeyboardInterrupt
        drawn_shots.append(arguments[0])
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(write, "draw_shot", cut_off)
    with pytest.raises(KeyboardInterrupt):
        draw(out)
    assert not (out / "manifest.parquet").exists()
    whole = sorted(out.rglob("*.jpg"))
    assert len(whole) == 7
    whole[0].write_bytes(whole[0].read_bytes()[:-40])  # as after a power failure
    (out / "rgb" / "00000000_c0001_9.jpg.part").write_bytes(b"half")
    before = [path.stat().st_mtime_ns for path in whole[1:]]
    monkeypatch.setattr(write, "draw_shot", real)
    draw(out)
    assert contents(out) == contents(drawn)
    assert [path.stat().st_mtime_ns for path in whole[1:]] == before


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"not empty.*new folder"):
        draw(tmp_path)
    assert contents(tmp_path) == {"holiday.jpg": b"mine"}
    with pytest.raises(DataError, match="is a file"):
        draw(tmp_path / "holiday.jpg")


def test_other_settings_are_named(drawn: Path, tmp_path: Path) -> None:
    before = contents(drawn)
    with pytest.raises(DataError, match=r"identities: 3 there, 4 asked for"):
        draw(drawn, identities=4)
    with pytest.raises(DataError, match=r"size: \[64, 32\] there, \[32, 16\] asked for"):
        draw(drawn, size=(32, 16))
    assert contents(drawn) == before
    (tmp_path / "settings.json").write_text("{")
    with pytest.raises(DataError, match="damaged"):
        draw(tmp_path)


def test_a_full_disk_is_one_of_our_errors_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, written = Path.write_bytes, []

    def full(path: Path, content: bytes) -> int:
        if len(written) == 4:
            real(path, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        return real(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match=r"No space left.*run the same command again"):
        draw(tmp_path / "full")
    pictures = list((tmp_path / "full").rglob("*.jpg"))
    assert len(pictures) == 3
    assert not list((tmp_path / "full").rglob("*.part"))
    for picture in pictures:
        Image.open(io.BytesIO(picture.read_bytes())).load()


def test_retrieval_layout_never_repeats_a_camera_between_query_and_gallery() -> None:
    plan = PeoplePlan(20, views=ViewCounts(photos=4), splits=Splits("retrieval"))
    for index in range(20):
        shots = plan.shots(index)
        cameras: dict[Split, set[object]] = defaultdict(set)
        for shot in shots:
            if shot.camera_id is not None:
                cameras[shot.split].add(shot.camera_id)
        gallery = [shot for shot in shots if shot.split is Split.GALLERY]
        assert len(gallery) == 3
        assert all(shot.modality is Modality.RGB for shot in gallery)
        assert {s.modality for s in shots if s.split is Split.QUERY} == set(Modality)
        assert not cameras[Split.QUERY] & cameras[Split.GALLERY]
        assert plan.identity(index) == random_identity(index)


def test_validation_people_are_the_last_ones_and_never_twins_of_training_people() -> None:
    plan = PeoplePlan(200, splits=Splits(val_share=0.2, twin_share=0.5))
    splits = [{shot.split for shot in plan.shots(index)} for index in range(200)]
    assert splits == [{Split.TRAIN}] * 160 + [{Split.VAL}] * 40
    assert plan.identity(160) == random_identity(160)
    twins = [index for index in range(200) if plan.identity(index) != random_identity(index)]
    assert 70 < len(twins) < 130
    skins = {plan.identity(index).skin for index in range(160)}  # twins share the skin of the person they resemble
    assert all(plan.identity(index).skin not in skins for index in range(160, 200))


def test_shot_names_are_unique() -> None:
    plan = PeoplePlan(30, views=ViewCounts(photos=60, infrared=20, sketches=40, pencils=2))
    paths = [shot.path for index in range(30) for shot in plan.shots(index) if shot.modality.is_visual]
    assert len(set(paths)) == len(paths) == 30 * 122


@pytest.mark.parametrize(
    ("identities", "options"),
    [
        (0, {}),
        (5, {"seed": -1}),
        (5, {"views": ViewCounts(photos=-1)}),
        (5, {"views": ViewCounts(photos=1), "splits": Splits("retrieval")}),
        (5, {"size": (0, 128)}),
        (5, {"size": (31, 16)}),
        (5, {"size": (32, 15)}),
        (5, {"size": (70_000, 32)}),
        (5, {"seed": 10**18}),
        (5, {"views": ViewCounts(0, 0, 0, 0, 0)}),
        (5, {"splits": Splits(val_share=1.5)}),
    ],
)
def test_counts_that_make_no_set_are_refused(identities: int, options: dict[str, object]) -> None:
    with pytest.raises(DataError):
        PeoplePlan(identities, **options)  # type: ignore[arg-type]


def test_one_shot_alone_is_what_lies_on_disk(drawn: Path) -> None:
    captions = [row["caption"] for row in rows_of(drawn / "manifest.parquet") if row["caption"]]
    plan = PeoplePlan(3, views=FEW, size=SIZE)
    shots = [(shot, plan.identity(index)) for index in range(3) for shot in plan.shots(index)]
    assert [tell_shot(*shot).text for shot in shots if shot[0].modality is Modality.TEXT] == captions
    stored = np.asarray(Image.open(drawn / shots[0][0].path)).astype(int)
    assert np.abs(stored - draw_shot(*shots[0], SIZE)).mean() < 6
