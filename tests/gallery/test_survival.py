"""A search that is killed, runs out of disk or meets a damaged cache; each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from gallery_fakes import ColourFactory

import aio_reid
from aio_reid.errors import StorageError
from aio_reid.gallery.cache import open_cache
from aio_reid.gallery.embedder import QueryPart
from aio_reid.gallery.search import search_folder
from aio_reid.records import Modality

RED = QueryPart(Modality.TEXT, "a red jacket")
SEARCH_PATH = [str(Path(__file__).parent), str(Path(aio_reid.__file__).parents[1])]


KILLED = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts tests in the background has it ignored
sys.path[:0] = {path}
from pathlib import Path
from gallery_fakes import ColourEmbedder, ColourFactory
from aio_reid.gallery import vectors
from aio_reid.gallery.cache import open_cache
from aio_reid.gallery.embedder import QueryPart
from aio_reid.gallery.search import search_folder
from aio_reid.records import Modality
vectors.EMBED_CHUNK = 5
class Slow(ColourEmbedder):
    def embed_pictures(self, paths, modality):
        for number, outcome in enumerate(super().embed_pictures(paths, modality)):
            if number == 17:
                print("now", flush=True)
                time.sleep(60)
            yield outcome
factory = ColourFactory()
factory.embedder = Slow(factory.weights_hash)
search_folder(Path(sys.argv[1]), [QueryPart(Modality.TEXT, "red")], factory, cache=open_cache(Path(sys.argv[2])))
"""


def test_killed_while_embedding_loses_at_most_one_chunk(people: Path, tmp_path: Path) -> None:
    code = KILLED.format(path=repr(SEARCH_PATH))
    for signal_sent, num_lost in ((signal.SIGKILL, 2), (signal.SIGINT, 0)):
        place = tmp_path / signal_sent.name
        command = [sys.executable, "-c", code, str(people), str(place)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None and process.stdout.readline() == b"now\n"
            process.send_signal(signal_sent)
            process.wait(30)
        factory = ColourFactory()
        result = search_folder(people, [RED], factory, cache=open_cache(place), top=100)
        assert len(factory.embedder.embedded) == 24 - 17 + num_lost
        assert result.hits == search_folder(people, [RED], ColourFactory(), top=100).hits


FULL = """
import resource, sys
sys.path[:0] = {path}
from pathlib import Path
from gallery_fakes import ColourFactory
from aio_reid.errors import StorageError
from aio_reid.gallery.cache import open_cache
from aio_reid.gallery.embedder import QueryPart
from aio_reid.gallery.outputs import write_html
from aio_reid.gallery.search import search_folder
from aio_reid.records import Modality
folder, place, page = map(Path, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_FSIZE, (int({limit}), resource.RLIM_INFINITY))
result = search_folder(folder, [QueryPart(Modality.TEXT, "red")], ColourFactory(), cache=open_cache(place), top=100)
assert len(result.hits) == 24
assert sum("are not kept" in note or "without a cache" in note for note in result.notes) == 1
try:
    write_html(result, page)
except StorageError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [1_000, 52_000])
def test_full_disk_searches_on_without_a_cache(people: Path, tmp_path: Path, limit: int) -> None:
    page = tmp_path / "hits.html"
    page.write_text("the old page")
    code = FULL.format(path=repr(SEARCH_PATH), limit=limit)
    place = tmp_path / "cache"
    done = subprocess.run(
        [sys.executable, "-c", code, str(people), str(place), str(page)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    if limit < 50_000:
        assert "cannot write" in done.stdout and page.read_text() == "the old page"
    assert not list(tmp_path.glob(".*.part"))
    resumed = search_folder(people, [RED], ColourFactory(), cache=open_cache(place), top=100)
    assert len(resumed.hits) == 24 and resumed.notes == ()


def test_damaged_cache_stops_the_search_and_stays(people: Path, tmp_path: Path, factory: ColourFactory) -> None:
    file = tmp_path / "cache" / "embeddings.sqlite"
    file.parent.mkdir()
    file.write_bytes(b"SQLite format 3\0" + os.urandom(5000))
    before = file.read_bytes()
    with pytest.raises(StorageError, match="remove it, or give another"):
        search_folder(people, [RED], factory, cache=open_cache(file.parent))
    assert file.read_bytes() == before


def test_search_imports_neither_torch_nor_pillow_nor_jinja() -> None:
    code = (
        f"import sys; sys.path[:0] = {SEARCH_PATH!r}; import aio_reid.gallery.search, aio_reid.gallery.outputs; "
        "print([name for name in ('torch', 'PIL.Image', 'jinja2', 'cv2', 'pydantic') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
