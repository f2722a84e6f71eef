"""Which queries are shown, and that a page tells the truth of their rankings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from picture_fakes import Page, ask, photo, rank, text

from aio_reid.evaluation.pictures.lists import ChosenQuery, Thumbnails, choose_queries, ranked_page
from aio_reid.evaluation.pictures.ranked import RankedTask
from aio_reid.evaluation.scores import NOT_SCORED, QueryOutcome, RetrievalScores, summarise
from aio_reid.records import Modality, Query

NASTY = "</blockquote><script>alert(1)</script> & {{ 7*7 }}\x00"


def scores_of(precisions: list[float | None]) -> RetrievalScores:
    outcomes = [NOT_SCORED if value is None else QueryOutcome(2, value, value) for value in precisions]
    return summarise(outcomes, num_gallery=5)


def test_queries_are_chosen_by_average_precision() -> None:
    scores = scores_of([0.5, 0.9, None, 0.1, 0.3, 0.7, 0.2, 0.8])
    chosen = choose_queries(scores, num_worst=2, num_median=1, num_best=2, num_drawn=1, seed=0)
    # By precision: 1 7 5 0 4 6 3. The best two, the worst two from the end, the middle; 4 and 5 are left to draw.
    assert [(one.row, one.why) for one in chosen[:5]] == [
        (3, "worst"),
        (6, "worst"),
        (0, "median"),
        (1, "best"),
        (7, "best"),
    ]
    assert chosen[5].why == "drawn" and chosen[5].row in (4, 5)
    assert chosen == choose_queries(scores, num_worst=2, num_median=1, num_best=2, num_drawn=1, seed=0)
    draws = {choose_queries(scores, num_worst=2, num_median=1, num_best=2, num_drawn=1, seed=s)[5] for s in range(20)}
    assert len(draws) == 2


@pytest.mark.parametrize("num", range(1, 14))
def test_no_query_is_shown_twice_and_none_without_a_match(num: int) -> None:
    precisions: list[float | None] = [n / 20 for n in range(num)]
    rows = [one.row for one in choose_queries(scores_of([None, *precisions]), seed=1)]
    assert len(set(rows)) == len(rows) == min(num, 10) and 0 not in rows
    assert num in rows  # the best one is always there


@pytest.fixture
def task(tmp_path: Path) -> RankedTask:
    gallery = [photo(tmp_path, person, number) for number in range(4) for person in range(6)]
    queries: list[Query] = [(photo(tmp_path, n, 0, Modality.SKETCH), text(n, f"person {n} walks")) for n in range(6)]
    return rank(ask("ST", queries, gallery, fusion="early"))[0]


def test_frames_and_ranks_are_those_of_the_ranking(task: RankedTask) -> None:
    chosen = choose_queries(task.scores, seed=0)
    page = Page(ranked_page(task, chosen, Thumbnails(), {"Data set": "flat"}, index="index.html"))
    page.assert_self_contained()
    frames = [tag["class"] for tag in page.all("li")]
    assert frames == [f"hit {'yes' if hit else 'no'}" for one in chosen for hit in task.is_match[one.row]]
    alternatives = [tag["alt"] or "" for tag in page.all("img") if (tag["alt"] or "").startswith("rank")]
    expected = []
    for one in chosen:
        for place, row in enumerate(task.nearest[one.row]):
            path = task.gallery[row].image_path
            assert path is not None
            who = "the person" if task.gallery[row].person_id == task.queries[one.row][0].person_id else "somebody else"
            expected.append(f"rank {place + 1}, {who}: {path.name}")
    assert alternatives == expected
    for one in chosen:
        assert f"AP {100 * task.scores.average_precision[one.row]:.1f} %" in page.text
        assert f"{task.cosines[one.row, 0]:.3f}" in page.text
        assert f"person {one.row} walks" in page.text
    assert "ST, early fusion" in page.text and f"mAP {100 * task.scores.mAP:.1f} %" in page.text


def test_the_verdict_names_the_first_match(task: RankedTask) -> None:
    found = np.zeros_like(task.is_match)
    found[0, 3] = True
    changed = replace(task, is_match=found)
    for row, words in ((0, "first match at rank 4"), (1, "no match among the first 10")):
        assert words in ranked_page(changed, [ChosenQuery(row, "drawn")], Thumbnails(), {})


def test_words_of_others_stay_words(tmp_path: Path) -> None:
    queries: list[Query] = [(replace(text(1, NASTY), person_id="<b>1</b>"),)]
    gallery = [replace(text(1, f"{NASTY} {n}"), person_id="<b>1</b>" if n else "2") for n in range(3)]
    ranked = ask("<i>T</i>", queries, gallery)
    matches = np.array([[False, True, True]])
    (task,) = rank(replace(ranked, masks=lambda rows: (matches[rows], np.zeros_like(matches[rows]))))
    page = ranked_page(task, [ChosenQuery(0, "best")], Thumbnails(), {"<u>": "</dl>"})
    read = Page(page)
    read.assert_self_contained()
    assert "<script" not in page and "\x00" not in page
    assert not read.all("b")[1:] and not read.all("i")[2:]  # those of the page's own
    assert read.text.count("<script>alert(1)</script> & {{ 7*7 }}\N{REPLACEMENT CHARACTER}") == 4


def test_pictures_that_cannot_be_shown_leave_a_place_with_the_reason(tmp_path: Path) -> None:
    gallery = [photo(tmp_path, person, 0) for person in range(3)]
    query: Query = (photo(tmp_path, 0, 0, Modality.SKETCH),)
    paths = [record.image_path for record in (*gallery, *query)]
    assert all(paths)
    paths[0].unlink()  # type: ignore[union-attr]
    paths[1].write_text("no picture")  # type: ignore[union-attr]
    paths[2].write_bytes(paths[2].read_bytes()[:60])  # type: ignore[union-attr]
    paths[3].unlink()  # type: ignore[union-attr]
    ranked = ask("S", [query], gallery)
    (task,) = rank(replace(ranked, masks=lambda rows: (np.array([[True, False, False]]), np.zeros((1, 3), bool))))
    content = ranked_page(task, [ChosenQuery(0, "best")], Thumbnails(), {})
    page = Page(content)
    places = [tag["aria-label"] or "" for tag in page.all("span") if tag.get("class") == "blank"]
    assert len(places) == 4 and not page.all("img")
    reasons = {place.split(": ")[1].split("-")[1]: place.split(": ")[2] for place in places if place[:4] == "rank"}
    assert reasons["0"] == "the file is missing" and reasons["1"] == "not a picture that can be read"
    assert reasons["2"] in ("the picture is damaged", "not a picture that can be read")
    assert "query, sketch: sketch-0-0.png: the file is missing" in places
    assert str(tmp_path) not in content
