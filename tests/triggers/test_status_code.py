"""HTTP status codes as failures."""

import pytest
from hypothesis import given

from hostile import hostile_values
from interlock.domain.run import FailureCategory
from interlock.triggers.status_code import failure_category

T, P = FailureCategory.TRANSIENT, FailureCategory.PERMANENT


@pytest.mark.parametrize(
    ("status", "category"),
    [
        (200, None),
        (302, None),
        (399, None),
        (400, P),
        (401, P),
        (404, P),
        (408, T),
        (409, P),
        (425, T),
        (429, T),
        (499, P),
        (500, T),
        (503, T),
        ("503", T),
        ("404", P),
        (503.0, T),
        (None, None),
        ("oops", None),
        (True, None),
        ([500], None),
    ],
)
def test_what_a_status_code_means(status, category):
    assert failure_category(status) is category


@given(hostile_values())
def test_any_value_is_a_category_or_none(value):
    assert failure_category(value) in (None, T, P)
