"""One zip for each Lambda; the same bytes for the same input.

`build.sh` calls this for AWS, `interlock local up` for this machine.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import marshal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from interlock.local.sdk_models import sdk_models
from interlock.local.zip_contents import FUNCTIONS, Contents, contents_of, normal_name
from interlock.local.zip_fitness import LAMBDA_PYTHON, misfits

# https://docs.aws.amazon.com/lambda/latest/dg/python-package.html#python-package-native-libraries
LAMBDA_PLATFORMS = ("manylinux2014_aarch64", "manylinux_2_28_aarch64")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest instant a zip can name
_UNCHECKED_HASH = (0b01).to_bytes(4, "little")  # https://peps.python.org/pep-0552/#specification

Places = Mapping[str, Path]  # name in the zip -> file


def build_zips(out: Path, *, for_aws: bool) -> dict[str, Path]:
    """Write `<out>/<function>.zip` for every function."""
    contents = {function: contents_of(function, for_aws=for_aws) for function in FUNCTIONS}
    needed = sorted({name for each in contents.values() for name in each.distributions})
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        libraries = _fetched(needed, Path(folder)) if for_aws else _installed(needed)
        return {
            function: _write(out / f"{function}.zip", _files(contents[function], libraries), for_aws=for_aws)
            for function in FUNCTIONS
        }


def _files(contents: Contents, libraries: Mapping[str, Places]) -> Mapping[str, bytes]:
    """The zip's files by name, byte code apart."""
    places = dict(contents.ours)
    for name in contents.distributions:
        places |= {path: place for path, place in libraries[name].items() if contents.takes(path)}
    return {name: _content(place) for name, place in places.items()} | sdk_models(contents.ours.values())


def _installed(names: Iterable[str]) -> dict[str, Places]:
    """The libraries as they are installed here."""
    return {name: _files_of(distribution(name)) for name in names}


def _fetched(names: Iterable[str], folder: Path) -> dict[str, Places]:
    """The libraries for Lambda's processor and Python, in the versions installed here."""
    pinned = [f"{name}=={distribution(name).version}" for name in names]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-compile", "--only-binary=:all:", f"--target={folder}"]
    command += [f"--python-version={LAMBDA_PYTHON}", *(f"--platform={name}" for name in LAMBDA_PLATFORMS)]
    subprocess.run([*command, *pinned], check=True)
    return {normal_name(each.name): _files_of(each) for each in distributions(path=[str(folder)])}


def _files_of(library: Distribution) -> Places:
    places = {str(file): Path(str(file.locate())) for file in library.files or []}
    # Programs are installed beside the packages: `../../../bin/croniter`.
    return {name: place for name, place in places.items() if not name.startswith("..") and place.is_file()}


def _can_compile(for_aws: bool) -> bool:
    # Byte code is read only by the Python version that wrote it.
    return not for_aws or f"{sys.version_info.major}.{sys.version_info.minor}" == LAMBDA_PYTHON


def _write(target: Path, files: Mapping[str, bytes], *, for_aws: bool) -> Path:
    compiled, level = _can_compile(for_aws), 9 if for_aws else 1  # here it is built at each start
    partial = target.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w") as archive:
        for name, content in sorted(files.items()):
            _add(archive, name, content, level)
            if compiled and name.endswith(".py"):
                _add(archive, importlib.util.cache_from_source(name), _compile(content, name), level)
    return partial.replace(target)


@cache  # most files are in several zips
def _content(path: Path) -> bytes:
    return path.read_bytes()


@cache
def _compile(source: bytes, name: str) -> bytes:
    """Byte code that is not compared with its source at each start; the path in it is Lambda's, wherever it was built."""
    code = compile(source, f"/var/task/{name}", "exec", dont_inherit=True, optimize=0)
    hashed = importlib.util.source_hash(source)
    return importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + hashed + marshal.dumps(code)


def _add(archive: zipfile.ZipFile, name: str, content: bytes, level: int) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content, zipfile.ZIP_DEFLATED, level)


def main() -> int:
    """Build for AWS; print each zip's size and sha256."""
    parser = argparse.ArgumentParser(
        prog="build.sh", description="Build one zip for each Lambda, for python3.13 on arm64."
    )
    parser.add_argument("out", nargs="?", default="dist", help="folder for the zips (default: dist)")
    out = Path(parser.parse_args().out)
    if not _can_compile(for_aws=True):
        better = f"run with Python {LAMBDA_PYTHON} (PYTHON=python{LAMBDA_PYTHON} ./build.sh)"
        print(f"built without byte code, so cold starts are slower: {better}", file=sys.stderr)
    paths = build_zips(out, for_aws=True).values()
    for path in paths:
        print(f"{_kibibytes(path)}  sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}")
    print(f"{_kibibytes(*paths)}  in {len(paths)} zips")
    unfit = [f"{path}: {reason}" for path in paths for reason in misfits(path)]
    print(*unfit, sep="\n", end="\n" if unfit else "", file=sys.stderr)
    return 1 if unfit else 0


def _kibibytes(*paths: Path) -> str:
    return f"{sum(path.stat().st_size for path in paths) / 1024:8,.0f} KiB"


if __name__ == "__main__":
    sys.exit(main())
