"""The store in a cluster: pictures as rows of a Milvus collection, and beside it what the gallery says of itself.

Milvus has neither transactions nor a lock. A new number is taken before its picture is stored, so that no id is ever
given twice, and whoever writes notices that another one has written since, but only then.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError, StorageError
from aio_reid.gallery.store.milvus.engine import BATCH, Engine, Row
from aio_reid.gallery.store.milvus.expressions import EVERY_ROW, contents_expression, expression, texts_expression
from aio_reid.gallery.store.milvus.nearest import find_nearest
from aio_reid.gallery.store.milvus.pictures import PICTURE_FIELDS, make_collection, picture_row, row_item, stored_text
from aio_reid.gallery.store.milvus.state import State, read_state, write_state
from aio_reid.gallery.store.milvus.url import MilvusUrl
from aio_reid.gallery.store.protocol import EVERYTHING, About, Added, Found, Item, NewPicture, Store, Where
from aio_reid.gallery.store.rows import checked_size, chunks, new_columns
from aio_reid.records import Modality

CHUNK = 500
COMPACTION_S = 60.0
"""How long an erasure waits for Milvus to compact."""

_COMPACTION_STEP_S = 0.5


class MilvusStore(Store):
    """A gallery in a cluster. What has no docstring here is promised by `Store`, but for one thing: a change of many
    pictures that is cut off may be there in part, and is completed by repeating it.

    Raises:
        ConfigError: pymilvus is not installed.
        DataError: there is no gallery.
        StorageError: there is no server, or what lies there is not ours.
    """

    def __init__(self, url: MilvusUrl, *, write: bool = False) -> None:
        self.url = url
        self.engine = Engine(url)
        self._may_write = write
        self._version: int | None = None
        try:
            read_state(self.engine)
        except BaseException:
            self.close()
            raise

    def about(self) -> About:
        state = read_state(self.engine)
        return About(
            str(self.url),
            state.gallery_id,
            state.weights_hash,
            state.weights_name,
            state.preprocess_version,
            state.size,
            False,
            state.created,
            state.version,
            state.columns,
        )

    def add(self, pictures: Sequence[NewPicture]) -> Added:
        state = self._begin()
        size = checked_size(state.size, pictures)
        columns = new_columns(state.columns, [new.picture.columns for new in pictures])
        known: dict[tuple[bytes, Modality], Item] = {}
        for modality in {new.picture.modality for new in pictures}:
            contents = [new.picture.content for new in pictures if new.picture.modality is modality]
            known |= {(content, modality): item for content, item in self.known(contents, modality).items()}
        new_rows: dict[tuple[bytes, Modality], Row] = {}
        changed: dict[int, NewPicture] = {}
        for new in pictures:
            key = (new.picture.content, new.picture.modality)
            if key in known:
                if known[key].picture != new.picture:
                    changed[known[key].id] = new
            elif key not in new_rows:
                new_rows[key] = picture_row(state.next_id + len(new_rows), new)
        changed_rows = self._with_stored_vectors(changed)
        if size is not None and not self.engine.exists(self.url.gallery):
            with self.engine.told():
                make_collection(self.engine, self.url.gallery, size=size)
        state.size, state.next_id = size, state.next_id + len(new_rows)
        state.columns = {**state.columns, **columns}
        self._commit(state)
        with self.engine.told():
            if new_rows:
                self.engine.client.insert(self.url.gallery, list(new_rows.values()))
            if changed_rows:
                self.engine.client.upsert(self.url.gallery, changed_rows)
        return Added(len(new_rows), len(changed), len(pictures) - len(new_rows) - len(changed))

    def known(self, contents: Iterable[bytes], modality: Modality) -> dict[bytes, Item]:
        found: dict[bytes, Item] = {}
        for chunk in chunks(list(contents), CHUNK):
            wanted = f"{contents_expression(chunk)} and {texts_expression('modality', [modality.value])}"
            found |= {item.picture.content: item for item in map(row_item, self._rows(wanted, PICTURE_FIELDS))}
        return found

    def get(self, ids: Sequence[int]) -> list[Item]:
        found = {item.id: item for item in map(row_item, self._rows_of(ids, PICTURE_FIELDS))}
        return [found[number] for number in ids if number in found]

    def vectors(self, ids: Sequence[int]) -> NDArray[np.float32]:
        stored = {int(row["id"]): row["vector"] for row in self._rows_of(ids, ("id", "vector"))}
        missing = [number for number in ids if number not in stored]
        if missing:
            raise DataError(f"there is no picture {missing[0]} in this gallery; take an id from a search")
        size = len(stored[ids[0]]) if ids else 0
        return np.array([stored[number] for number in ids], dtype=np.float32).reshape(len(ids), size)

    def copy_of(self, content: bytes) -> bytes | None:
        """Return None: a gallery in Milvus keeps no copies."""
        return None

    def remove(self, where: Where) -> int:
        """Remove pictures and return their number. Their bytes stay on the cluster's disks until it compacts."""
        return self._delete(self.ids(where))

    def erase(self, where: Where | None, contents: Sequence[bytes] = ()) -> int:
        """Remove pictures, and all of these contents, have Milvus write its files anew without them, and return their
        number. Whether and when the old files are gone from the disks is the cluster's affair.

        Raises:
            StorageError: pictures are still there, or Milvus has not compacted in time; repeat.
        """
        ids = set(() if where is None else self.ids(where))
        for chunk in chunks(list(contents), CHUNK):
            ids |= {int(row["id"]) for row in self._rows(contents_expression(chunk), ("id",))}
        num_erased = self._delete(sorted(ids))
        if self.engine.exists(self.url.gallery):
            self._compact()
        return num_erased

    def count(self, where: Where = EVERYTHING) -> int:
        wanted = expression(where, read_state(self.engine).columns)
        return self.engine.count(self.url.gallery, wanted) if self.engine.exists(self.url.gallery) else 0

    def search(
        self,
        vector: NDArray[np.float32],
        *,
        top: int,
        where: Where = EVERYTHING,
        leave_out: Sequence[int] = (),
        by_track: bool = False,
        with_spread: bool = False,
    ) -> Found:
        """Return the nearest pictures, see `Store.search`; exact."""
        state = read_state(self.engine)
        wanted = expression(where, state.columns, leave_out)
        if state.size is None or not self.engine.exists(self.url.gallery):
            nothing = np.empty(0, dtype=np.int64)
            return Found(nothing, np.empty(0, dtype=np.float32), 0, nothing)
        if vector.shape != (state.size,):
            raise DataError(f"the gallery's vectors have {state.size} numbers, not {len(vector)}")
        return find_nearest(self.engine, vector, wanted, top=top, by_track=by_track, with_spread=with_spread)

    def iterate(self, where: Where = EVERYTHING) -> Iterator[tuple[Item, NDArray[np.float32]]]:
        for chunk in chunks(self.ids(where), CHUNK):
            items = self.get(chunk)
            yield from zip(items, self.vectors([item.id for item in items]), strict=True)

    def ids(self, where: Where = EVERYTHING) -> list[int]:
        """Return the ids of pictures, in ascending order."""
        wanted = expression(where, read_state(self.engine).columns)
        return sorted(int(row["id"]) for row in self._rows(wanted, ("id",)))

    def groups(self) -> Iterator[tuple[str, str | None]]:
        """Yield the modality and the camera of every picture."""
        for row in self._rows(EVERY_ROW, ("id", "modality", "camera")):
            yield row["modality"], stored_text(row["camera"])

    def backups(self) -> dict[str, str]:
        """Return the paths of the backups that were written, each with the id of the gallery in it."""
        return read_state(self.engine).backups

    def remember_backup(self, path: str, gallery_id: str) -> None:
        """Remember a backup before it is written."""
        state = self._begin()
        state.backups = {**state.backups, path: gallery_id}
        self._commit(state)

    def forget_backup(self, path: str) -> None:
        """Forget a backup, as `remember_backup` was given it."""
        state = self._begin()
        state.backups = {known: gallery_id for known, gallery_id in state.backups.items() if known != path}
        self._commit(state)

    def close(self) -> None:
        self.engine.close()

    def _begin(self) -> State:
        """Return the state to change.

        Raises:
            StorageError: the store was opened for reading, or another process has written meanwhile.
        """
        if not self._may_write:
            raise StorageError(f"gallery {str(self.url)!r} was opened for reading; open it for writing")
        state = read_state(self.engine)
        if self._version not in (None, state.version):
            raise StorageError(
                f"gallery {str(self.url)!r} is being written by another process, too, and Milvus cannot keep them "
                "apart; let one of them end, then repeat"
            )
        return state

    def _commit(self, state: State) -> None:
        state.version += 1
        write_state(self.engine, state)
        self._version = state.version

    def _rows(self, wanted: str, fields: Sequence[str]) -> Iterator[Row]:
        if not self.engine.exists(self.url.gallery):
            return iter(())
        return self.engine.rows(self.url.gallery, wanted, fields)

    def _rows_of(self, ids: Sequence[int], fields: Sequence[str]) -> Iterator[Row]:
        for chunk in chunks(ids, CHUNK):
            yield from self._rows(f"{EVERY_ROW} and id in {list(chunk)}", fields)

    def _with_stored_vectors(self, changed: dict[int, NewPicture]) -> list[Row]:
        """Return rows with new descriptions; a picture that is known keeps its vector."""
        stored = self.vectors(list(changed))
        return [
            {**picture_row(number, new), "vector": vector.tolist()}
            for (number, new), vector in zip(changed.items(), stored, strict=True)
        ]

    def _delete(self, ids: Sequence[int]) -> int:
        state = self._begin()
        for chunk in chunks(ids, BATCH):
            with self.engine.told():
                self.engine.client.delete(self.url.gallery, ids=list(chunk))
        if ids:
            if self.engine.count(self.url.gallery, EVERY_ROW) == 0:
                state.columns = {}
            self._commit(state)
        return len(ids)

    def _compact(self) -> None:
        with self.engine.told():
            self.engine.client.flush(self.url.gallery)
            job = self.engine.client.compact(self.url.gallery)
            deadline = time.monotonic() + COMPACTION_S
            while self.engine.client.get_compaction_state(job) != "Completed":
                if time.monotonic() > deadline:
                    raise StorageError(
                        f"gallery {str(self.url)!r}: the pictures are deleted, but Milvus has not compacted within "
                        f"{COMPACTION_S:.0f} s; repeat"
                    )
                time.sleep(_COMPACTION_STEP_S)
