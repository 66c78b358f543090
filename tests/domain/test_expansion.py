"""`${...}` in a job's config."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.domain.expansion import ExpansionError, expand, job_values, without_secrets
from interlock.domain.run import RunKey

VALUES = job_values(RunKey("gold", "cron", "2026-03-01T18"), 2, "gold-cron-1")


def no_secret(name):
    raise AssertionError(f"nobody asked for the secret {name}")


def expanded(text, *, secret=no_secret, variables=None):
    return expand({"text": text}, VALUES, secret, (variables or {}).get)["text"]


@pytest.mark.parametrize(
    ("date", "told"),
    [
        pytest.param("2026-03-01", ("2026-03-01", "", "20260301", ""), id="daily"),
        pytest.param("2026-03-01T18", ("2026-03-01", "18", "20260301", "18"), id="hourly"),
        pytest.param("2026-03-01T08:15", ("2026-03-01", "08", "20260301", "08"), id="more often than hourly"),
    ],
)
def test_a_job_is_told_its_day_and_hour(date, told):
    values = job_values(RunKey("gold", "cron", date), 2, "gold-cron-1")

    assert tuple(values[name] for name in ("DATE", "HOUR", "PAR_DAY", "PAR_HOUR")) == told
    assert (values["PIPELINE"], values["ATTEMPT"], values["RUN_ID"]) == ("gold", "2", "gold-cron-1")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("s3://raw/${PAR_DAY}/${PAR_HOUR}/", "s3://raw/20260301/18/"),
        ("${PIPELINE}#${ATTEMPT}#${RUN_ID}", "gold#2#gold-cron-1"),
        ("${INTERLOCK_BUCKET}", "lake"),
        ("${secret:db/password}", "the secret db/password"),
        (
            "${secret:arn:aws:secretsmanager:eu-west-1:1:secret:x}",
            "the secret arn:aws:secretsmanager:eu-west-1:1:secret:x",
        ),
        ("$DATE and {DATE} and $", "$DATE and {DATE} and $"),
        ("$${DATE}", "${DATE}"),
        ("$$${DATE}", "$${DATE}"),
        ("", ""),
    ],
)
def test_what_a_text_becomes(text, result):
    assert (
        expanded(text, secret=lambda name: f"the secret {name}", variables={"INTERLOCK_BUCKET": "lake"})
        == result
    )


def test_every_text_is_expanded_however_deep_and_nothing_else_is_touched():
    config = {"a": {"b": ["${DATE}", {"c": "${HOUR}"}, 7]}, "n": 1.5, "t": True, "nothing": None}

    assert expand(config, VALUES, no_secret, {}.get) == {
        "a": {"b": ["2026-03-01", {"c": "18"}, 7]},
        "n": 1.5,
        "t": True,
        "nothing": None,
    }


def test_what_a_secret_contains_is_not_expanded_again():
    assert expanded("${secret:a}", secret=lambda _: "${secret:b} ${DATE") == "${secret:b} ${DATE"


def test_a_secret_used_twice_is_read_once():
    asked = []

    expanded("${secret:a}${secret:a}", secret=lambda name: asked.append(name) or "x")

    assert asked == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "${DAET}",
        "${date}",
        "${ DATE }",
        "${}",
        "${secret:}",
        "${HOME}",
        "${INTERLOCK_UNSET}",
        "${DATE",
        "a ${",
    ],
)
def test_anything_else_is_an_error_that_names_its_place(text):
    config = {"body": {"items": ["fine", {"url": text}]}}

    with pytest.raises(ExpansionError, match=r"^job\.config\.body\.items\[1\]\.url: "):
        expand(config, VALUES, no_secret, {}.get)


def test_a_placeholder_in_a_key_is_an_error():
    with pytest.raises(ExpansionError, match="only values are expanded"):
        expand({"arguments": {"${DATE}": 1}}, VALUES, no_secret, {}.get)


def test_a_config_without_end_is_an_error():
    endless = []
    endless.append(endless)

    with pytest.raises(ExpansionError, match="nested deeper"):
        expand({"endless": endless}, VALUES, no_secret, {}.get)


def test_an_error_never_shows_a_secret():
    with pytest.raises(ExpansionError) as error:
        expanded("${secret:a} ${DAET}", secret=lambda _: "hunter2")

    assert "hunter2" not in str(error.value)
    assert "${DAET}" in str(error.value)


@pytest.mark.parametrize(
    ("text", "secrets", "result"),
    [
        ("Bearer hunter2 refused", ["hunter2"], "Bearer *** refused"),
        ("hunter22", ["hunter2", "hunter22"], "***"),
        ("a cat", ["", "a"], "a cat"),
    ],
)
def test_secrets_are_hidden_in_what_a_service_says(text, secrets, result):
    assert without_secrets(text, secrets) == result


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param("refused: hunter2-hun…", "refused: ***…", id="cut with an ellipsis"),
        pytest.param("refused: hunter2-hun", "refused: ***", id="cut without one"),
        pytest.param("refused: hun", "refused: hun", id="three letters tell nothing"),
        pytest.param("hunter2 is refused", "hunter2 is refused", id="its beginning in the middle of a text"),
        pytest.param("hunter2-hunter2…", "***…", id="cut just behind it"),
    ],
)
def test_a_secret_is_hidden_where_the_text_was_cut_in_the_middle_of_it(said, told):
    assert without_secrets(said, ["hunter2-hunter2"]) == told


@pytest.mark.parametrize("quoted", ['two\n  lines and a "quote"', 'two lines and a "quote"'])
def test_a_secret_of_several_lines_is_hidden_however_it_is_quoted(quoted):
    secret = 'two\n  lines and a "quote"'

    for text in (quoted, json.dumps({"sent": secret})):
        assert "quote" not in without_secrets(f"refused: {text}", [secret])


TEXTS = st.lists(
    st.sampled_from(["$", "{", "}", "$${", "${DATE}", "${secret:a}", "${INTERLOCK_X}", "${nope}", "x\n\x00é"])
).map("".join)
CONFIGS = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        TEXTS | st.none() | st.integers() | st.floats(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=10,
    ),
)


@given(CONFIGS)
def test_any_config_is_expanded_or_refused_by_name(config):
    refused = None
    try:
        result = expand(config, VALUES, lambda _: "hunter2", {"INTERLOCK_X": "x"}.get)
    except ExpansionError as error:
        refused = str(error)

    if refused is None:
        assert list(result) == list(config)
    else:
        assert refused.startswith("job.config")
        assert "hunter2" not in refused


@given(st.text().filter(lambda text: "${" not in text))
def test_a_text_without_a_placeholder_stays_as_it_is(text):
    assert expanded(text) == text
