"""`release.sh` tags a commit that carries the zips, and leaves the branch, its files and every remote alone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Stands for the build, which fetches libraries from PyPI: the release takes whatever it leaves in dist/.
BUILD = "#!/bin/sh\nmkdir -p dist && echo built > dist/watchdog.zip\n"
# Stands for Python 3.13, which is not on every machine.
PYTHON = '#!/bin/sh\nexit "${NOT_3_13:-0}"\n'


class Checkout:
    """A repository with what the release needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in {
            "pyproject.toml": 'version = "1.2.3"\n',
            "CHANGELOG.md": "# Changelog\n\n## [1.2.3]\n",
            ".gitignore": "dist/\npython\n",
            "tests/zips_twice.sh": BUILD,
            "python": PYTHON,
        }.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        shutil.copy(ROOT / "release.sh", folder)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()

    def commit(self) -> None:
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", "Work")

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=Ana", "-c", "user.email=ana@example.com", "-c", "commit.gpgsign=false"]
        ran = subprocess.run(
            ["git", *who, *words], cwd=self.folder, capture_output=True, text=True, check=True
        )
        return ran.stdout.strip()

    def release(self, **environment: str) -> subprocess.CompletedProcess[str]:
        who = {
            f"GIT_{role}_{what}": "ana@example.com"
            for role in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        return subprocess.run(
            ["./release.sh"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHON": "./python", **who, **environment},
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_tag_carries_the_zips_beside_what_was_committed(checkout: Checkout) -> None:
    released = checkout.release()

    assert released.returncode == 0, released.stderr
    assert checkout.git("show", "v1.2.3:dist/watchdog.zip") == "built"
    assert checkout.git("diff", "--name-only", "main", "v1.2.3") == "dist/watchdog.zip"
    assert checkout.git("rev-parse", "v1.2.3~1") == checkout.git("rev-parse", "main")


def test_branch_and_files_stay_as_they_are(checkout: Checkout) -> None:
    before = checkout.git("rev-parse", "HEAD")

    checkout.release()

    assert checkout.git("rev-parse", "HEAD") == before
    assert checkout.git("status", "--porcelain") == ""
    assert "dist" not in checkout.git("ls-files")


def test_zips_of_an_earlier_build_do_not_come_along(checkout: Checkout) -> None:
    (checkout.folder / "dist").mkdir()
    (checkout.folder / "dist" / "retired.zip").touch()

    checkout.release()

    assert checkout.git("diff", "--name-only", "main", "v1.2.3") == "dist/watchdog.zip"


def test_nothing_is_released_of_changes_that_are_not_committed(checkout: Checkout) -> None:
    (checkout.folder / "new.txt").touch()

    assert_refused(checkout, "not committed")


def test_a_release_is_not_made_twice(checkout: Checkout) -> None:
    checkout.git("tag", "v1.2.3")

    assert_refused(checkout, "raise the version")


def test_a_release_that_the_changelog_does_not_know_is_refused(checkout: Checkout) -> None:
    (checkout.folder / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n")
    checkout.commit()

    assert_refused(checkout, "CHANGELOG.md")


def test_zips_are_made_by_the_python_whose_byte_code_lambda_reads(checkout: Checkout) -> None:
    assert_refused(checkout, "Python 3.13", NOT_3_13="1")


def assert_refused(checkout: Checkout, why: str, **environment: str) -> None:
    tags = checkout.git("tag")

    refused = checkout.release(**environment)

    assert refused.returncode == 1
    assert why in refused.stderr
    assert checkout.git("tag") == tags
    assert not (checkout.folder / "dist").exists()
