"""The load test's own checks: what is lost, comes twice, or grows is found and named."""

from collections import Counter
from dataclasses import replace

import pytest

from load import report
from load.machine import Growth, Sample, growths
from load.outcome import Outcome, expected
from load.story import LEAST_WRITES, Again, Await, Kind, Part, Write, story

PARTS = story(20, 1003, seed=7)
WANTED = expected(PARTS, PARTS)
FLAKY = next(part for part in PARTS if part.kind is Kind.FLAKY)
RUN = f"{FLAKY.id}/{FLAKY.dates[0].date}"


def changed(**fields: Counter[str]) -> list[str]:
    return list(replace(WANTED, **fields).differences(WANTED))


def test_a_story_has_as_many_writes_as_were_asked_for() -> None:
    assert sum(part.writes for part in PARTS) == 1003


def test_a_story_depends_on_its_seed_alone() -> None:
    assert story(20, 1003, seed=7) == PARTS
    assert story(20, 1003, seed=8) != PARTS


def test_too_few_writes_for_a_story_are_refused() -> None:
    with pytest.raises(ValueError, match="need 240 writes"):
        story(10, 10 * LEAST_WRITES - 1, seed=1)


def test_a_story_has_every_kind_of_pipeline_and_of_repetition() -> None:
    steps = [step for part in PARTS for step in part.steps]

    assert {part.kind for part in PARTS} == set(Kind)
    assert any(isinstance(step, Again) for step in steps)
    assert {part.is_by_period for part in PARTS} == {part.is_flat for part in PARTS} == {True, False}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.id)
def test_a_date_waits_for_its_end_after_the_reading_that_its_start_needs(part: Part) -> None:
    for date in part.dates:
        own = [step for step in part.steps if isinstance(step, Write | Await) and step.date == date.date]
        needed = [n for n, step in enumerate(own) if isinstance(step, Write) and step.is_needed]
        awaited = [n for n, step in enumerate(own) if isinstance(step, Await)]
        assert len(needed) == 1
        assert needed[0] < awaited[0]


def test_what_comes_as_it_must_differs_in_nothing() -> None:
    assert changed() == []


def test_an_event_that_was_not_stored_is_named_as_lost() -> None:
    (said,) = changed(events=WANTED.events - Counter([f"{RUN} JOB_RETRIED"]))

    assert said == f"lost: events of {RUN} JOB_RETRIED: 0, expected 1"


def test_a_second_job_for_an_attempt_is_named() -> None:
    (said,) = changed(jobs=WANTED.jobs + Counter([f"{RUN} attempt 2"]))

    assert said == f"too many: jobs of {RUN} attempt 2: 2, expected 1"


def test_a_message_about_what_nobody_should_hear_of_is_named() -> None:
    (said,) = changed(messages=WANTED.messages + Counter(["load-0000/2026-03-01"]))

    assert said == "unexpected: messages of load-0000/2026-03-01: 1, expected 0"


def test_a_run_that_ended_otherwise_is_named_with_both_ends() -> None:
    good, bad = f"{RUN} SUCCEEDED at attempt 2", f"{RUN} FAILED at attempt 2"

    said = changed(runs=WANTED.runs - Counter([good]) + Counter([bad]))

    assert said == [f"unexpected: runs of {bad}: 1, expected 0", f"lost: runs of {good}: 0, expected 1"]


def test_what_must_not_be_left_is_named() -> None:
    (said,) = changed(wrong=Counter({"messages in queue alerts-dead": 3}))

    assert said == "unexpected: wrong of messages in queue alerts-dead: 3, expected 0"


def test_a_healthy_run_tells_nobody_and_one_that_recovers_tells_twice() -> None:
    assert WANTED.messages[RUN] == 2
    assert not any(part.kind is Kind.STEADY for part in PARTS if WANTED.messages[f"{part.id}/2026-03-01"])


def memory(*megabytes: float) -> list[Sample]:
    return [Sample(at=float(n), seconds=0, megabytes=value) for n, value in enumerate(megabytes)]


def test_a_process_whose_last_third_is_larger_than_its_middle_one_has_grown() -> None:
    samples = {("router", 1): memory(*[30] * 20, *[50] * 20, *[60] * 20)}

    (found,) = growths(samples, began=0, ended=60)

    assert found == Growth("router", 1, middle=50, last=60)
    assert found.share == pytest.approx(0.2)


def test_a_process_that_came_in_the_last_third_says_nothing_of_growth() -> None:
    late = [Sample(at=45.0 + n, seconds=0, megabytes=n) for n in range(15)]

    assert list(growths({("router", 1): late}, began=0, ended=60)) == []


@pytest.mark.parametrize(("share", "wanted"), [(0.5, 50), (0.9, 90), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(share: float, wanted: int) -> None:
    assert report.percentile([float(n) for n in range(100, 0, -1)], share) == wanted


def test_no_two_outcomes_are_compared_by_their_totals_alone() -> None:
    other = Counter(
        {f"load-0000/2026-03-01 {kind}": n for kind, n in (("RUN_OPENED", 2), ("JOB_COMPLETED", 0))}
    )
    nothing = Outcome(*[Counter[str]()] * 6)

    said = list(
        replace(nothing, events=other).differences(
            replace(nothing, events=Counter({"load-0001 CONFIG_LOADED": 2}))
        )
    )

    assert len(said) == 2


def test_of_a_pipeline_that_was_only_declared_no_more_than_its_config_is_expected() -> None:
    first, *others = PARTS

    wanted = expected([first], PARTS)

    assert {name.split("/")[0] for name in wanted.runs} == {first.id}
    assert all(wanted.events[f"{part.id} CONFIG_LOADED"] == 1 for part in others)
