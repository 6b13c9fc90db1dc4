"""Nothing of a user's is unpickled, evaluated or unpacked: the source holds no call that would."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "ladle"
_FORBIDDEN_MODULES = {
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "marshal",
    "pickle",
    "shelve",
    "tarfile",
    "zipfile",
    "yaml",
}
_FORBIDDEN_CALLS = {"eval", "exec", "compile", "np.load", "numpy.load", "torch.load"}
_FORBIDDEN_ENDS = {"read_pickle", "unpack_archive"}
#: What the check of a strategy in a second process sends itself through a pipe, and no file.
_ALLOWED = {("testing/conduct.py", "import pickle")}


def dangers(code: str) -> set[str]:
    """Return what in this code could run something that it reads."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found |= {f"import {name}" for name in names if name.split(".")[0] in _FORBIDDEN_MODULES}
            # By these names alone a call could not be told from others.
            if isinstance(node, ast.ImportFrom) and node.module in ("numpy", "torch"):
                found |= {f"from {node.module} import {one.name}" for one in node.names if one.name in ("load", "*")}
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            options = {option.arg: ast.unparse(option.value) for option in node.keywords}
            safe = (called, options.get("allow_pickle")) == ("np.load", "False")
            safe = safe or (called, options.get("weights_only")) == ("torch.load", "True")
            if (called in _FORBIDDEN_CALLS or called.split(".")[-1] in _FORBIDDEN_ENDS) and not safe:
                found.add(ast.unparse(node))
            if options.get("allow_pickle", "False") != "False":
                found.add(ast.unparse(node))
    return found


def test_no_source_file_reads_a_pickle_or_unpacks_an_archive() -> None:
    files = sorted(SOURCE.rglob("*.py"))
    assert len(files) > 100
    found = {(file.relative_to(SOURCE).as_posix(), danger) for file in files for danger in dangers(file.read_text())}
    assert found == _ALLOWED


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "import numpy as np\nnp.load(path)",
        "np.load(path, allow_pickle=True)",
        "open_memmap(path, allow_pickle=True)",
        "open_memmap(path, allow_pickle=trusted)",
        "from numpy import array, load",
        "from torch import load as read",
        "from torch import *",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "pd.read_pickle(path)",
        "shutil.unpack_archive(path)",
        "eval(text)",
    ],
)
def test_what_would_is_seen(code: str) -> None:
    assert dangers(code)


def test_what_would_not_is_not() -> None:
    safe = ("np.load(path, allow_pickle=False)", "json.loads(text)", "torch.load(path, weights_only=True)")
    assert not dangers("\n".join((*safe, "from torch import Tensor", "from json import load")))
