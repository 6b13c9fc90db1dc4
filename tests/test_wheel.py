"""The package as people get it: built, installed outside of the repository, and used there."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("build", reason="make wheel brings the package build")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[1]
_EVERY_MODULE = """
import importlib, pkgutil, ladle
names = [found.name for found in pkgutil.walk_packages(ladle.__path__, "ladle.") if found.name != "ladle.__main__"]
for name in names:
    importlib.import_module(name)
print(ladle.__file__, len(names))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive, and the wheel built from that archive."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder


@pytest.fixture(scope="module")
def programs(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the wheel, and borrows what it depends on."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    programs = folder / "bin"
    (wheel,) = built.glob("*.whl")
    subprocess.run([programs / "pip", "install", "--quiet", "--no-deps", str(wheel)], check=True)
    # A line in a .pth file is a folder to look in after one's own; links of editable installs there are not followed.
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    return programs


@pytest.fixture
def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"COLUMNS": "200"}


@pytest.fixture
def embeddings(tmp_path: Path) -> Path:
    path = tmp_path / "rows.npy"
    np.save(path, np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32))
    return path


def test_nothing_of_the_sources_is_missing(built: Path) -> None:
    source = ROOT / "src"
    expected = {
        file.relative_to(source).as_posix()
        for file in (source / "ladle").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {"ladle/py.typed", "ladle/page/static/label.js", "ladle/session/migrations/env.py"} <= expected
    (wheel,), (archive,) = built.glob("*.whl"), built.glob("*.tar.gz")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == expected
    with tarfile.open(archive) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    assert {f"src/{name}" for name in expected} | {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "tests/conftest.py",
    } <= names
    assert not [name for name in names if name.startswith(".venv") or name.endswith(".db")]


def test_every_module_is_imported(programs: Path, environment: dict[str, str], tmp_path: Path) -> None:
    words = [str(programs / "python"), "-c", _EVERY_MODULE]
    told = subprocess.run(words, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout
    place, count = told.split()
    assert Path(place).is_relative_to(programs.parent)
    assert int(count) > 100


def test_the_command_line(programs: Path, environment: dict[str, str], embeddings: Path) -> None:
    def call(*words: str) -> str:
        command = [str(programs / "ladle"), *words]
        done = subprocess.run(command, cwd=embeddings.parent, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "label" in call("--help")
    assert "quickstart" in call("run", "quickstart", "--estimate", "--store", "sqlite:///x.db")
    call("next", "rows.npy", "--classes", "a,b", "--budget", "5")
    assert len((embeddings.parent / "batch.csv").read_text().splitlines()) == 6


@pytest.fixture
def page(programs: Path, environment: dict[str, str], embeddings: Path) -> Iterator[str]:
    """The address of a labeling page."""
    words = [str(programs / "ladle"), "label", str(embeddings), "--classes", "a,b", "--no-open", "--port", "0"]
    with subprocess.Popen(words, cwd=embeddings.parent, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield next(line for line in server.stdout if "labeling page" in line).split()[2]
        server.terminate()


def test_the_labeling_page_and_what_it_loads(page: str) -> None:
    with urllib.request.urlopen(page) as answer:
        text = answer.read().decode()
    assert "<html" in text
    for file in ("label.js", "label.css"):
        assert file in text
        with urllib.request.urlopen(f"{page.rstrip('/')}/static/{file}") as answer:
            assert answer.read() == (ROOT / "src/ladle/page/static" / file).read_bytes()
