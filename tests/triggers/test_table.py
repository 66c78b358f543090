"""The table of adapters."""

import pytest

from interlock.domain.pipeline import JobType
from interlock.ports import TriggerError
from interlock.triggers.outside import Outside
from interlock.triggers.table import TriggerTable


def a_table():
    return TriggerTable(
        Outside(clients=lambda service: service, http=None, processes=None, in_background=None)
    )


def test_a_type_without_an_adapter_says_which_types_have_one():
    with pytest.raises(TriggerError, match=r"dream cannot be started here; these can: .*glue") as error:
        a_table().of_type("dream")

    assert error.value.permanent


def test_an_adapter_is_made_once():
    table = a_table()

    assert table.of_type(JobType.GLUE) is table.of_type("glue")
