"""Embeddings by sentence-transformers: tiny encoders with random weights, made here, in place of those of the hub."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ladle.errors import ConfigError, DataError, MissingExtraError
from ladle.labeling import LabelingProject, encoders, load_trained, open_source, save_trained
from ladle.labeling.encoders import encode
from ladle.models import TrainingConfig

pytest.importorskip("sentence_transformers", reason="needs sentence-transformers (extra embed)")
QUICK = TrainingConfig(epochs=20, learning_rate=0.05)
TINY: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


@pytest.fixture(scope="module")
def reads_texts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a BERT that averages its tokens."""
    import transformers

    make: Any = transformers  # its annotations lack half of what there is
    folder = tmp_path_factory.mktemp("bert")
    letters = [chr(97 + number) for number in range(26)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(words))
    torch.manual_seed(0)
    make.BertModel(make.BertConfig(vocab_size=len(words), max_position_embeddings=32, **TINY)).save_pretrained(folder)
    make.BertTokenizerFast(str(vocabulary), model_max_length=32).save_pretrained(folder)
    return f"sentence-transformers:{folder}"


@pytest.fixture(scope="module")
def reads_images(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a CLIP."""
    import transformers

    make: Any = transformers
    folder = tmp_path_factory.mktemp("clip")
    words = ["<|startoftext|>", "<|endoftext|>", *(chr(97 + number) for number in range(26))]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    text = {**TINY, "vocab_size": len(words), "max_position_embeddings": 16, "bos_token_id": 0, "eos_token_id": 1}
    image = {**TINY, "image_size": 32, "patch_size": 16}
    torch.manual_seed(0)
    make.CLIPModel(make.CLIPConfig(text_config=text, vision_config=image, projection_dim=8)).save_pretrained(folder)
    pixels = make.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32)
    make.CLIPProcessor(
        pixels, make.CLIPTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt"))
    ).save_pretrained(folder)
    return f"sentence-transformers:{folder}"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "ladle" / "embeddings"


def texts(folder: Path, count: int = 30) -> Path:
    path = folder / "texts.csv"
    rows = [f"{'apple pear' if number % 2 else 'wheel engine'} {chr(97 + number % 26)}" for number in range(count)]
    path.write_text("text\n" + "\n".join(rows))
    return path


def forbid_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: Any) -> None:
        raise AssertionError("encoded again")

    monkeypatch.setattr(encoders, "_encode", refuse)


def test_texts_become_what_the_encoder_says_of_them(reads_texts: str, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    source = open_source(texts(tmp_path), encoder=reads_texts)
    expected = SentenceTransformer(reads_texts.split(":", 1)[1], device="cpu").encode(list(source.shown))
    assert (source.kind, source.model, source.encoder) == ("texts", "mlp", reads_texts)
    np.testing.assert_allclose(np.asarray(source.inputs), expected * source.scale, rtol=1e-4, atol=1e-5)
    assert np.square(np.asarray(source.inputs)).mean() == pytest.approx(1.0)


def test_a_labeled_project_exports_a_model_that_encodes_by_itself(reads_texts: str, tmp_path: Path) -> None:
    source = open_source(texts(tmp_path), encoder=reads_texts)
    labels = {name: "ab"[int(name) % 2] for name in source.ids[:20]}
    with LabelingProject(source, classes=("a", "b"), store="sqlite://", training=QUICK) as project:
        project.ingest(labels)
        expected = torch.softmax(project.session.outputs().logits, dim=1).numpy()
        save_trained(project, tmp_path / "model.safetensors")
    with pytest.raises(ConfigError, match="an encoder is loaded only where it is named"):
        load_trained(tmp_path / "model.safetensors")
    trained = load_trained(tmp_path / "model.safetensors", encoder=reads_texts)
    names, probabilities = trained.predict(source.shown)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-4, atol=1e-5)
    assert names == ["ab"[number % 2] for number in range(30)]


def test_images_are_read_by_an_encoder_of_images(reads_images: str, reads_texts: str, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("red", "blue", "green"):
        Image.new("RGB", (50, 40), name).save(photos / f"{name}.png")
    source = open_source(photos, encoder=reads_images)
    assert source.inputs.shape == (3, 8)
    assert (source.kind, source.model) == ("images", "mlp")
    with pytest.raises(DataError, match="the encoder must read images"):
        open_source(photos, encoder=reads_texts)


def test_what_was_encoded_is_kept_and_a_stop_in_the_middle_loses_no_chunk(
    reads_texts: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoders, "_CHUNK", 8)
    path = texts(tmp_path)
    seen: list[tuple[int, int]] = []

    def stop_at_sixteen(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_source(path, encoder=reads_texts, progress=stop_at_sixteen)
    assert seen == [(8, 30), (16, 30)]
    assert len(list(cache.iterdir())) == 2
    first = open_source(path, encoder=reads_texts)
    assert len(list(cache.iterdir())) == 4
    forbid_encoding(monkeypatch)
    assert torch.equal(torch.as_tensor(open_source(path, encoder=reads_texts).inputs), torch.as_tensor(first.inputs))


def test_other_texts_and_another_model_are_encoded_anew(
    reads_texts: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode(reads_texts, ["ab", "c"], cache=cache)
    other = tmp_path / "model"
    shutil.copytree(reads_texts.split(":", 1)[1], other)
    forbid_encoding(monkeypatch)
    encode(reads_texts, ["ab", "c"], cache=cache)
    for name, given in ((reads_texts, ["a", "bc"]), (f"sentence-transformers:{other}", ["ab", "c"])):
        with pytest.raises(AssertionError, match="encoded again"):
            encode(name, given, cache=cache)


def test_a_damaged_file_of_the_cache_is_made_again(reads_texts: str, cache: Path) -> None:
    first = encode(reads_texts, ["ab", "c"], cache=cache)
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    for torn in (b"", whole[:40], whole[:-3]):
        file.write_bytes(torn)
        np.testing.assert_allclose(encode(reads_texts, ["ab", "c"], cache=cache), first, rtol=1e-6)
        assert file.read_bytes() == whole


def test_what_is_no_encoder_is_refused_in_a_line(reads_texts: str, tmp_path: Path) -> None:
    path = texts(tmp_path)
    for name in ("all-MiniLM-L6-v2", "sentence-transformers:"):
        with pytest.raises(ConfigError, match="an encoder is sentence-transformers:NAME"):
            open_source(path, encoder=name)
    np.save(tmp_path / "rows.npy", np.eye(3, dtype=np.float32))
    with pytest.raises(ConfigError, match="reads images or texts"):
        open_source(tmp_path / "rows.npy", encoder=reads_texts)
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "config.json").write_text(json.dumps({"model_type": "no such thing"}))
    with pytest.raises(DataError, match="correct the name, or name a folder"):
        open_source(path, encoder=f"sentence-transformers:{empty}")


def test_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads_texts: str, cache: Path
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtraError, match=r"ladle\[embed\]"):
        open_source(texts(tmp_path), encoder=reads_texts)


def copied(reads_texts: str, folder: Path) -> Path:
    model = folder / "model"
    shutil.copytree(reads_texts.split(":", 1)[1], model)
    return model


PLANTED = """
from pathlib import Path
(Path(__file__).parent / "ran").touch()
Path({ran!r}).touch()
from sentence_transformers.models import Pooling as Mine
class Config: pass
"""


@pytest.mark.parametrize("where", ["modules.json", "auto_map", "activation"])
def test_code_that_lies_beside_the_weights_is_not_run(
    where: str, reads_texts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sentence_transformers import SentenceTransformer

    model, ran = tmp_path / "model", tmp_path / "ran"
    SentenceTransformer(reads_texts.split(":", 1)[1], device="cpu").save(str(model))
    (model / "planted.py").write_text(PLANTED.format(ran=str(ran)))
    # As if the folder were where Python looks for modules: ladle run in it, say.
    monkeypatch.syspath_prepend(model)
    if where == "auto_map":
        config = json.loads((model / "config.json").read_text())
        names = {"AutoConfig": "planted.Config", "AutoModel": "planted.Mine", "AutoTokenizer": ["planted.Mine", None]}
        (model / "config.json").write_text(json.dumps(config | {"model_type": "mine", "auto_map": names}))
    else:
        parts = json.loads((model / "modules.json").read_text())
        if where == "activation":
            (model / "2_Dense").mkdir()
            dense = {"in_features": 16, "out_features": 4, "bias": True, "activation_function": "planted.Mine"}
            (model / "2_Dense" / "config.json").write_text(json.dumps(dense))
            parts.append({"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"})
        else:
            parts[1]["type"] = "planted.Mine"
        (model / "modules.json").write_text(json.dumps(parts))
    with pytest.raises(DataError, match="an encoder is a model of sentence-transformers") as caught:
        encode(f"sentence-transformers:{model}", ["ab"])
    assert "\n" not in str(caught.value)
    assert not ran.exists()


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_pickled_weights_are_not_read(reads_texts: str, tmp_path: Path) -> None:
    model, ran = copied(reads_texts, tmp_path), tmp_path / "ran"
    torch.save({"embeddings.word_embeddings.weight": Bomb(ran)}, model / "pytorch_model.bin")
    whole = encode(reads_texts, ["ab"])
    # Beside safetensors nobody looks at it, nor at what trainers leave there.
    np.testing.assert_array_equal(encode(f"sentence-transformers:{model}", ["ab"]), whole)
    (model / "model.safetensors").unlink()
    with pytest.raises(DataError, match=r"pytorch_model\.bin, a pickle, which could run anything\); open it where"):
        encode(f"sentence-transformers:{model}", ["ab"])
    (model / "pytorch_model.bin").rename(model / "openvino_model.bin")
    with pytest.raises(DataError, match="an encoder is a model of sentence-transformers"):
        encode(f"sentence-transformers:{model}", ["ab"])
    assert not ran.exists()


def test_a_part_with_pickled_weights_is_refused(reads_texts: str, tmp_path: Path) -> None:
    model = copied(reads_texts, tmp_path)
    (model / "2_Dense").mkdir()
    torch.save({"linear.weight": Bomb(tmp_path / "ran")}, model / "2_Dense" / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"2_Dense/pytorch_model\.bin, a pickle"):
        encode(f"sentence-transformers:{model}", ["ab"])
    assert not (tmp_path / "ran").exists()
