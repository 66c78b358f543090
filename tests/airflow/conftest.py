"""One real Airflow for all tests of this folder: `xdist_group` keeps them on one worker."""

from collections.abc import Iterator

import pytest

from airflow.real_airflow import VENV, RealAirflow, a_real_airflow, is_installed


@pytest.fixture(scope="module")
def airflow() -> Iterator[RealAirflow]:
    if not is_installed():
        pytest.skip(
            f"needs an Apache Airflow in {VENV.name}: `make test` installs it where it can be reached"
        )
    with a_real_airflow() as running:
        yield running
    assert not running.processes
    assert not running.folder.exists()
