"""Configuration: the shipped files parse, overrides apply, and every mistake is one line that names key and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from aio_reid.config import load_config
from aio_reid.errors import ConfigError

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_shipped_configurations_parse(path: Path) -> None:
    assert load_config(path).name == path.stem


def test_there_are_shipped_configurations() -> None:
    assert len(CONFIGS) >= 2


def test_overrides_are_yaml_values() -> None:
    config = load_config(CONFIGS[0], ("optim.max_steps=7", "model.image_size=[64, 32]", "seed=9"))
    assert (config.optim.max_steps, config.model.image_size, config.seed) == (7, (64, 32), 9)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optim.learning_rat=1", "optim.learning_rat: unknown key; valid here: .*learning_rate"),
        ("model.image_size=[100, 64]", r"image_size \[100, 64\] .* multiples of 32, e\.g\. \[128, 64\]$"),
        ("model.encoder.depht=3", "unknown key; valid here: depth"),
        ("model.encoder.kind=magic", "plain"),
        ("loss.binding=magic", "infonce"),
        ("optim.learning_rate=-1", "greater than 0"),
        ("model.modalities=[infrared]", "must contain rgb"),
        ("model.stem_width=15", "even"),
        ("model.encoder.num_heads=3", "num_heads 3 does not divide width 256"),
        ("seed=-1", "^--set seed: .*greater than or equal to 0, got -1$"),
        ("optim.max_epochs=-3", "^--set optim.max_epochs: Input should be greater than 0, got -3$"),
        ("data={num_identities: 0, tuples_per_identity: 2}", "^--set data.num_identities: .* got 0$"),
        ("data.partner_share.sktch=1", "^--set data.partner_share.sktch: .*'sketch' or 'text', got 'sktch'$"),
        ("model.encoder.width=wide", "^--set model.encoder.width: .*, got 'wide'$"),
        ("loss={ce_weight: 0, va_weight: 0, fb_weight: 0}", "nothing to learn"),
        ("loss.detach_rgb=true", "leave one of them out"),
        ("data={manifest: a, num_identities: 2, tuples_per_identity: 2, ramp_steps: 5}", "ramp_steps is 5, the way to"),
        ("model.modalities=[rgb, text]", "partner_share of 'infrared', which is not among model.modalities: rgb, text"),
        ("nonsense", "section.key=value"),
        ("seed.deeper=1", "'seed' is a value"),
        ("seed=[", "not YAML"),
        ("model.stem=magic", "ibn"),
        ("data.manifest=null", "either manifest, or sources"),
        ("data.sources=[{dataset: llcm, root: x}]", "either manifest, or sources"),
        ("data={sources: [{dataset: llcm}], num_identities: 2, tuples_per_identity: 2}", "a dataset with its root"),
        ("data={sources: [{share: 1}], num_identities: 2, tuples_per_identity: 2}", "either a manifest, or a dataset"),
        ("data={sources: [{manifest: a, rot: b}], num_identities: 2, tuples_per_identity: 2}", "valid here: dataset, "),
        ("data={sources: [{manifest: a, replay: true}], num_identities: 2, tuples_per_identity: 2}", "one at least"),
        ("data={sources: [{manifest: a, splits: [query]}], num_identities: 2, tuples_per_identity: 2}", "'train' or"),
        ("data={sources: [{manifest: a, share: 0}], num_identities: 2, tuples_per_identity: 2}", "greater than 0"),
    ],
)
def test_mistakes_are_explained_in_one_line(override: str, message: str) -> None:
    path = next(p for p in CONFIGS if p.stem == "nano-stage1")
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(path, (override,))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"a: [", "not YAML"),
        (b"- 1", "mapping"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"", "mapping"),
    ],
)
def test_broken_files_are_explained(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "run.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        load_config(path)


def test_a_wrong_value_of_the_file_is_not_laid_at_the_door_of_an_override(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(CONFIGS[0].read_text(encoding="utf-8").replace("seed:", "seed: -4  #"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"run\.yaml: seed: .* got -4$"):
        load_config(path, ("precision=fp32", "optim.max_steps=3"))


def test_a_place_in_a_list_is_overridden_by_its_number() -> None:
    path = next(p for p in CONFIGS if p.stem == "aio-b-stage2")
    config = load_config(path, ("data.sources.1.root=elsewhere", "data.sources.1.share=2"))
    assert [str(source.root) for source in config.data.sources] == ["data/LLCM", "elsewhere", "data/SYNTH-PEDES"]
    assert [source.share for source in config.data.sources] == [1.0, 2.0, 1.0]
    for wrong in ("data.sources.3.root=x", "data.sources.llcm.root=x", "data.sources.-1=x"):
        with pytest.raises(ConfigError, match="is no place in a list of 3; count from 0"):
            load_config(path, (wrong,))


def test_the_shares_of_a_source_are_of_modalities_of_the_model() -> None:
    path = next(p for p in CONFIGS if p.stem == "aio-b-stage2")
    assert load_config(path, ("data.sources.1.synthesised_share={sketch: 1}",)).data.sources[1].synthesised_share
    with pytest.raises(ConfigError, match=r"data\.sources\.1\.synthesised_share of 'pencil', which is not among model"):
        load_config(path, ("data.sources.1.synthesised_share={pencil: 1}",))


def test_a_manifest_is_one_source() -> None:
    path = next(p for p in CONFIGS if p.stem == "nano-stage1")
    data = load_config(path).data
    assert [source.manifest for source in data.origins] == [data.manifest]
    assert data.places == "runs/other-people/manifest.parquet"
    several = load_config(next(p for p in CONFIGS if p.stem == "aio-b-stage2")).data
    assert several.places == "data/LLCM, data/Market-Sketch-1K, data/SYNTH-PEDES"
