from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import aio_reid
from aio_reid.datasets.catalogue import CATALOGUE, WITHDRAWN, find_available, find_dataset
from aio_reid.errors import ConfigError, DataError

PHOTOS = {"market1501", "msmt17", "cuhk03-np-detected", "cuhk03-np-labeled"}
OTHERS = {"sysu-mm01", "regdb", "llcm", "pku-sketch", "market-sketch-1k", "orbench", "synth-pedes"}
TEXTS = {"cuhk-pedes", "icfg-pedes", "rstpreid"}


def test_every_entry_is_filled_in() -> None:
    assert set(CATALOGUE) == PHOTOS | OTHERS | TEXTS | {f"tri-{name}" for name in TEXTS}
    for name, entry in CATALOGUE.items():
        assert find_dataset(name) is entry
        assert name == entry.name == name.lower()
        assert name in entry.folders, "a folder may be called what the command line calls the data set"
        assert all((entry.title, entry.folders, entry.purpose, entry.terms, entry.obtain))
        assert entry.terms.endswith(".")
        assert all(count > 0 for count in entry.published.values())
        assert not any(mark in what for what in entry.published for mark in ",()"), "names are read back by these marks"
        for copy in entry.known_copies.values():
            assert copy.keys() == entry.published.keys()
            assert any(copy[what] < entry.published[what] for what in copy)


def test_every_parser_refuses_a_folder_of_others(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for entry in CATALOGUE.values():
        with pytest.raises(DataError) as caught:
            entry.parse(tmp_path)
        assert "\n" not in str(caught.value)


def test_no_withdrawn_set_can_be_read() -> None:
    assert not any("duke" in name or "celeb" in name for name in CATALOGUE)
    for name in (*WITHDRAWN, "dukemtmc-reid", "DUKEMTMC_VideoReID", "occluded duke", "occluded_duke", "ms-celeb-1m"):
        with pytest.raises(DataError, match=r"is not read: it .*201\d; choose one of: market1501") as caught:
            find_dataset(name)
        assert "\n" not in str(caught.value)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown data set 'market-1501'; choose one of: market1501, msmt17"):
        find_dataset("market-1501")


def test_folders_below_a_common_root(tmp_path: Path) -> None:
    assert find_available(tmp_path) == {}
    for name in ("market1501", "Market-1501-v15.09.15", "MSMT17_V2", "cuhk03", "photos"):
        (tmp_path / name).mkdir()
    (tmp_path / "LLCM").touch()
    assert find_available(tmp_path) == {
        "market1501": tmp_path / "market1501",
        "msmt17": tmp_path / "MSMT17_V2",
        "cuhk03-np-detected": tmp_path / "cuhk03",
        "cuhk03-np-labeled": tmp_path / "cuhk03",
    }
    with pytest.raises(DataError, match="no folder"):
        find_available(tmp_path / "LLCM")


def test_sets_that_share_a_folder_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "CUHK-PEDES" / "imgs").mkdir(parents=True)
    (tmp_path / "RSTPReid" / "imgs-sketch").mkdir(parents=True)
    assert find_available(tmp_path) == {
        "cuhk-pedes": tmp_path / "CUHK-PEDES",
        "rstpreid": tmp_path / "RSTPReid",
        "tri-rstpreid": tmp_path / "RSTPReid",
    }


def test_a_release_that_is_not_split_does_not_hide_the_split_copy(tmp_path: Path) -> None:
    for name in ("cuhk03", "CUHK03-NP"):
        (tmp_path / name).mkdir()
    assert set(find_available(tmp_path).values()) == {tmp_path / "CUHK03-NP"}


def test_importing_the_catalogue_is_light() -> None:
    code = "import sys, aio_reid.datasets.catalogue\nassert not {'scipy', 'torch', 'pyarrow', 'PIL'} & set(sys.modules)"
    folders = [str(Path(aio_reid.__file__).parents[1]), *sys.path]
    code = f"import sys\nsys.path[:0] = {folders!r}\n{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
