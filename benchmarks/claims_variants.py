"""What benchmarks/claims.py compares: variants, as overrides of configs/claims-*.yaml, and the rows of the table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aio_reid.config import RunConfig, load_config
from aio_reid.people.plan import Splits, ViewCounts

ROOT = Path(__file__).resolve().parents[1]
STAGE1, STAGE2 = "stage1", "stage2"
STAGES = (STAGE1, STAGE2)
FULL = "full"
IBN = ("model.stem=ibn",)
RANDOM_ENCODER = ("model.encoder.weights_file=null",)


@dataclass(frozen=True)
class Variant:
    """One way to train, run once for each seed.

    Attributes:
        name: of its folders and files.
        changed: what differs from the full variant, for people.
        overrides: of the base configurations of every stage, "section.key=value".
        stages: which are trained, in this order.
        with_steps_of: its last stage gets the steps of these stages together.
    """

    name: str
    changed: str
    overrides: tuple[str, ...] = ()
    stages: tuple[str, ...] = STAGES
    with_steps_of: tuple[str, ...] = ()


VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant(
            FULL,
            "Pyramid stems trained from nothing, a pre-trained frozen encoder, CE + VA + FB, stage 1 with synthesised "
            "infrared and sketches, stage 2 with recorded ones.",
        ),
        Variant("no-fb", "No multimodal feature binding: its weight is 0 in both stages.", ("loss.fb_weight=0",)),
        Variant("no-va", "No masked attribute modelling: its weight is 0 in both stages.", ("loss.va_weight=0",)),
        Variant(
            "no-synthesis",
            "Nothing is synthesised: stage 1 sees photos and sentences only, stage 2 recorded infrared and sketches.",
            ("data.synthesise=false",),
        ),
        Variant(
            "trained-encoder",
            "The encoder starts from the same file, but is trained too, in both stages.",
            ("trainable_encoder=true",),
        ),
        Variant(
            "random-encoder",
            "The frozen encoder is random, another one for each seed, and stays so in both stages.",
            RANDOM_ENCODER,
        ),
        Variant(
            "stem-ibn",
            "The paper's IBN stems in the place of the pyramids (no summary joins [CLS]; sentences have none either).",
            IBN,
        ),
        Variant(
            "stem-patch",
            "One linear projection of 16 x 16 patches in the place of the pyramids, else as with IBN stems.",
            ("model.stem=patch",),
        ),
        Variant(
            "stem-ibn-random-encoder",
            "IBN stems on a random frozen encoder: with no summary, all that is read passes through the encoder.",
            (*IBN, *RANDOM_ENCODER),
        ),
        Variant(
            "stage1-long",
            "Stage 1 alone, with as many steps as both stages have together.",
            stages=(STAGE1,),
            with_steps_of=STAGES,
        ),
    )
}


@dataclass(frozen=True)
class Row:
    """A row of the table: a variant after one of its stages, and the row that it is compared with.

    Attributes:
        name: of the row in the result file.
        title: first cell.
        variant: whose runs it shows.
        stage: after which they are measured.
        against: the row that is subtracted, seed by seed; None for the first.
        changed: in the place of the variant's words, where those do not say it.
    """

    name: str
    title: str
    variant: str
    stage: str = STAGE2
    against: str | None = FULL
    changed: str = ""


ROWS: tuple[Row, ...] = (
    Row(FULL, "full", FULL, against=None),
    Row("no-fb", "without FB", "no-fb"),
    Row("no-va", "without VA", "no-va"),
    Row("no-synthesis", "without synthesised modalities", "no-synthesis"),
    Row("trained-encoder", "encoder trained, not frozen", "trained-encoder"),
    Row("random-encoder", "random frozen encoder", "random-encoder"),
    Row("stem-ibn", "IBN stem", "stem-ibn"),
    Row("stem-patch", "linear patch stem", "stem-patch", against="stem-ibn"),
    Row("stem-ibn-random-encoder", "IBN stem, random frozen encoder", "stem-ibn-random-encoder", against="stem-ibn"),
    Row("stage1", "stage 1 only", FULL, STAGE1, changed="The full variant before its stage 2."),
    Row("stage1-long", "stage 1 only, as many steps as both", "stage1-long", STAGE1),
    Row(
        "no-synthesis-stage1",
        "stage 1 only, nothing synthesised",
        "no-synthesis",
        STAGE1,
        against="stage1",
        changed="Before stage 2, so that the infrared and sketch stems are still as they were drawn at random.",
    ),
)


@dataclass(frozen=True)
class People:
    """A set of synthetic people: nobody is in two of them, as their seeds differ."""

    seed: int
    identities: int
    views: ViewCounts
    size: tuple[int, int]
    splits: Splits


PEOPLE: dict[str, People] = {
    "pretrain": People(11, 1500, ViewCounts(2, 1, 1, 0, 2), (96, 48), Splits()),
    "stage1": People(12, 1500, ViewCounts(3, 0, 0, 0, 2), (96, 48), Splits()),
    "stage2": People(13, 500, ViewCounts(3, 3, 2, 0, 0), (80, 40), Splits(twin_share=0.4)),
    "validation": People(14, 100, ViewCounts(4, 1, 1, 0, 1), (96, 48), Splits("retrieval")),
    "test": People(15, 200, ViewCounts(4, 1, 1, 0, 1), (96, 48), Splits("retrieval")),
}
"""Who is trained on in the pre-training and in the two stages, whose figures choose the factors of late fusion, and who
is tested."""


@dataclass(frozen=True)
class Place:
    """Where everything lies, and what makes a call a trial: shares of the steps and people, further overrides."""

    folder: Path
    steps_factor: float = 1.0
    people_factor: float = 1.0
    overrides: tuple[str, ...] = ()

    @property
    def is_trial(self) -> bool:
        """Whether this is less than what is reported."""
        return (self.steps_factor, self.people_factor, self.overrides) != (1.0, 1.0, ())

    @property
    def encoder(self) -> Path:
        """The run of the pre-training."""
        return self.folder / "encoder"

    @property
    def encoder_file(self) -> Path:
        """What every variant with a pre-trained encoder reads."""
        return self.encoder / "weights.safetensors"

    def people(self, name: str) -> Path:
        """Return the folder of a set of people."""
        return self.folder / f"people-{name}"

    def manifest(self, name: str) -> Path:
        """Return the manifest of a set of people."""
        return self.people(name) / "manifest.parquet"

    def run(self, variant: str, seed: int) -> Path:
        """Return the folder of one run; its stages lie in it."""
        return self.folder / "runs" / f"{variant}-{seed}"

    def record(self, variant: str, seed: int) -> Path:
        """Return the file that a finished run leaves."""
        return self.folder / "records" / f"{variant}-{seed}.json"


def pretraining(place: Place) -> RunConfig:
    """Return the configuration of the pre-training of the encoder.

    Raises:
        ConfigError: an override is wrong.
    """
    overrides = (f"data.manifest={place.manifest('pretrain')}", *place.overrides)
    return _with_steps("claims-pretrain", overrides, place)


def settings(variant: Variant, stage: str, seed: int, place: Place) -> RunConfig:
    """Return the configuration of one stage of one run.

    Raises:
        ConfigError: an override is wrong.
    """
    stage1, stage2 = place.manifest(STAGE1), place.manifest(STAGE2)
    files = {
        STAGE1: (f"data.manifest={stage1}",),
        STAGE2: (
            f"data.sources.0.manifest={stage2}",
            f"data.sources.1.manifest={stage1}",
            f"start_from={place.run(variant.name, seed) / STAGE1}",
        ),
    }
    overrides = (
        f"name=claims-{variant.name}-{seed}-{stage}",
        f"seed={seed}",
        f"model.encoder.weights_file={place.encoder_file}",
        *files[stage],
        *place.overrides,
        *variant.overrides,
    )
    lent = variant.with_steps_of if stage == variant.stages[-1] else ()
    return _with_steps(f"claims-{stage}", overrides, place, lent=tuple(f"claims-{other}" for other in lent))


def _with_steps(name: str, overrides: tuple[str, ...], place: Place, lent: tuple[str, ...] = ()) -> RunConfig:
    """Return a shipped configuration with its share of steps; with those of others together, where `lent` names any."""
    steps = 0
    for other in lent or (name,):
        steps += load_config(_shipped(other)).optim.max_steps or 0
    count = max(1, round(place.steps_factor * steps))
    return load_config(_shipped(name), (*overrides, f"optim.max_steps={count}"))


def _shipped(name: str) -> Path:
    return ROOT / "configs" / f"{name}.yaml"
