"""A zip that could not start on Lambda is told apart from one that can, on a machine of another kind."""

import zipfile
from pathlib import Path

import pytest

from interlock.local.zip_fitness import misfits

ARM64 = b"\x7fELF\x02\x01\x01" + bytes(11) + b"\xb7\x00"
X86_64 = b"\x7fELF\x02\x01\x01" + bytes(11) + b"\x3e\x00"
LIBRARY = "library/_fast"


def a_zip(folder: Path, handler: str, **files: str | bytes) -> Path:
    path = folder / "function.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("handler.py", handler)
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param("import json, boto3, botocore.config", id="of the standard library and the runtime"),
        pytest.param("import library.part", id="another file"),
        pytest.param("from library import part, a_name", id="a file and a name of another one"),
        pytest.param("from library import _fast", id="compiled"),
        pytest.param("import folder.module", id="in a folder without a file of its own"),
        pytest.param("try:\n  import faster\nexcept ImportError:\n  faster = None", id="done without"),
        pytest.param("if TYPE_CHECKING:\n  import stubs", id="for type checkers"),
        pytest.param("if sys.version_info >= (3, 14):\n  import later", id="for another Python"),
        pytest.param("import library.lazy", id="by a library's function when it is called"),
    ],
)
def test_a_zip_with_all_that_its_handler_imports_is_fit(tmp_path: Path, handler: str) -> None:
    files = {
        "library/__init__.py": "a_name = 1",
        "library/part.py": "from . import a_name",
        "library/lazy.py": "def f():\n  import pandas",
        "library/_fast.cpython-313-aarch64-linux-gnu.so": ARM64,
        "folder/module.py": "",
    }

    assert misfits(a_zip(tmp_path, handler, **files)) == []


@pytest.mark.parametrize(
    ("handler", "missing", "by"),
    [
        pytest.param("import pandas", "pandas", "handler.py", id="a library"),
        pytest.param("import library.gone", "library.gone", "handler.py", id="a part of a library"),
        pytest.param("import library", "library.gone", "library/__init__.py", id="what a library imports"),
        pytest.param(
            "import json\ndef handler(e, c):\n  import yaml", "yaml", "handler.py", id="when called"
        ),
        pytest.param(
            "try:\n  import yaml\nfinally:\n  pass", "yaml", "handler.py", id="tried, not done without"
        ),
        pytest.param(
            "if TYPE_CHECKING:\n  pass\nelse:\n  import yaml", "yaml", "handler.py", id="unless typed"
        ),
        pytest.param("T = {'glue': 'interlock.glue:Glue'}", "interlock.glue", "handler.py", id="by a table"),
    ],
)
def test_a_module_that_is_not_in_the_zip_is_named(
    tmp_path: Path, handler: str, missing: str, by: str
) -> None:
    path = a_zip(tmp_path, handler, **{"library/__init__.py": "from .gone import it"})

    assert f"{missing} is not there: {by} imports it" in misfits(path)


@pytest.mark.parametrize(
    ("name", "content", "wrong"),
    [
        pytest.param(f"{LIBRARY}.cpython-313-aarch64-linux-gnu.so", ARM64, [], id="fits"),
        pytest.param(f"{LIBRARY}.abi3.so", ARM64, [], id="fits every Python"),
        pytest.param("library.libs/libyaml.so.0.2", ARM64, [], id="fits, a library of a library"),
        pytest.param(f"{LIBRARY}.abi3.so", X86_64, ["is not compiled for arm64"], id="another processor"),
        pytest.param(
            "library.libs/libyaml.so.0.2", X86_64, ["is not compiled for arm64"], id="of a library's"
        ),
        pytest.param(f"{LIBRARY}.abi3.so", b"\xcf\xfa", ["is not compiled for arm64"], id="another system"),
        pytest.param(
            f"{LIBRARY}.cpython-311-aarch64-linux-gnu.so",
            ARM64,
            ["is not for Python 3.13"],
            id="another Python",
        ),
        pytest.param(
            f"{LIBRARY}.cpython-313t-aarch64-linux-gnu.so",
            ARM64,
            ["is not for Python 3.13"],
            id="without a GIL",
        ),
    ],
)
def test_what_is_compiled_is_for_lambdas_processor_and_python(
    tmp_path: Path, name: str, content: bytes, wrong: list[str]
) -> None:
    path = a_zip(tmp_path, "", **{name: content})

    assert misfits(path) == [f"{name} {reason}" for reason in wrong]
