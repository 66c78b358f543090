"""The demo as a whole: it exits 0 only because its story happened, gives up in words, and leaves nothing behind."""

from __future__ import annotations

import io
import tempfile
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from interlock.local import demo, demo_story
from interlock.local.demo_checks import Act
from interlock.local.demo_record import Claim
from interlock.local.demo_stage import Stage
from interlock.local.demo_story import Story, StoryStopped
from interlock.local.demo_telling import Teller
from interlock.local.emulator import EmulatorDidNotStart


@pytest.mark.embedded
@pytest.mark.xdist_group("demo")  # beside the other embedded tests: most of its minute it waits
def test_the_story_happens_and_nothing_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    out = io.StringIO()

    code = demo.run_demo(out)

    told = out.getvalue()
    assert code == 0, told
    assert "53 of 53 claims hold" in told
    assert "177 of 341 (52%)" in told  # the job's own result
    assert "Recovered, job completed: nyc-departures, 2013-02-08, attempt 2" in told
    assert list(tmp_path.iterdir()) == []


def an_act(holds: bool) -> Act:
    return Act("a title", "it happened", "1 s", (Claim("it ended", holds, "it runs"),))


@pytest.mark.parametrize(("holds", "code"), [(True, 0), (False, 1)])
def test_the_exit_code_tells_whether_every_claim_holds(
    monkeypatch: pytest.MonkeyPatch, holds: bool, code: int
) -> None:
    monkeypatch.setattr(demo, "play", Mock(return_value=[an_act(True), an_act(holds)]))

    assert demo.run_demo(io.StringIO()) == code


@pytest.mark.parametrize("holds", [True, False])
def test_the_report_ends_in_a_verdict(holds: bool) -> None:
    out = io.StringIO()

    demo.report(demo.Played([an_act(True), an_act(holds)], {}, []), Teller(out))

    assert f"{1 + holds} of 2 claims hold" in out.getvalue()
    assert ("Act 2: expected that it ended; seen instead: it runs" in out.getvalue()) is not holds


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        (StoryStopped("Act 4: waited 60 s for a start", ["[ERROR] no such table"]), "no such table"),
        (EmulatorDidNotStart("no port is free"), "no port is free"),
    ],
)
def test_a_demo_that_cannot_go_on_says_why_and_fails(
    monkeypatch: pytest.MonkeyPatch, stop: Exception, said: str
) -> None:
    monkeypatch.setattr(demo, "play", Mock(side_effect=stop))
    out = io.StringIO()

    assert demo.run_demo(out) == 1
    assert str(stop) in out.getvalue()
    assert said in out.getvalue()


def test_an_interrupt_says_that_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "play", Mock(side_effect=KeyboardInterrupt))
    out = io.StringIO()

    with pytest.raises(KeyboardInterrupt):
        demo.run_demo(out)
    assert "Nothing is left behind" in out.getvalue()


def test_waiting_is_bounded_and_says_what_was_there_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count()  # a second at each look
    monkeypatch.setattr(
        demo_story, "time", SimpleNamespace(sleep=Mock(), monotonic=lambda: float(next(clock)))
    )
    stage = Mock(spec=Stage, config_folder="s3://configs/")
    stage.config.return_value = None
    stage.summary.return_value = "there is no run"
    stage.logged_errors.return_value = ["[ERROR] out of luck"]

    with pytest.raises(
        StoryStopped, match=r"waited 60 s for the config of nyc-departures.*; there is no run"
    ) as stopped:
        Story(stage, Teller(io.StringIO())).play()

    assert stopped.value.logged == ["[ERROR] out of luck"]
    assert stage.config.call_count == pytest.approx(60, abs=2)
