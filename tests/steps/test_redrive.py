"""Dead letters go back once each, are deleted only when that went well, and stay with their reason otherwise."""

from __future__ import annotations

import pytest

from dead_letter_box import HIDDEN_SECONDS, SENT_AT, DeadLetterBox, RecordingDoor
from interlock.domain.bad_input import BadInput
from interlock.domain.dead_letter import Contents, DeadLetter, Errand, Found, Invoke, SendAlert
from interlock.ports import CallFailed
from interlock.steps.redrive import FEWEST_TAKEN, look, redrive

FUNCTION = "arn:of:a-function"


def read(letter: DeadLetter) -> Errand:
    """`call a` calls the function with `a`; `alert a`; all else is unreadable."""
    kind, _, payload = letter.body.partition(" ")
    ways = {"call": Invoke(FUNCTION, payload), "alert": SendAlert(letter.body)}
    if kind not in ways:
        raise BadInput("no letter of ours")
    return Errand(Contents(letter.body), ways[kind])


def a_box(*bodies: str) -> DeadLetterBox:
    box = DeadLetterBox(read)
    box.add(*bodies)
    return box


def refuses(what: str, why: str = "ValueError: broken") -> RecordingDoor:
    return RecordingDoor(lambda payload: why if payload == what else None)


def breaks_at(what: str, error: BaseException) -> RecordingDoor:
    def answer(payload: str) -> None:
        if payload == what:
            raise error

    return RecordingDoor(answer)


def test_what_goes_back_is_deleted():
    box, door = a_box("call a", "alert b"), RecordingDoor()

    redriven = redrive(box, door)

    assert door.came_in == [(FUNCTION, "a"), ("alerts", "alert b")]
    assert (redriven.found, redriven.went_back, redriven.empty) == (2, 2, True)
    assert box.bodies == []


def test_an_empty_queue_is_empty():
    redriven = redrive(a_box(), RecordingDoor())

    assert (redriven.found, redriven.empty) == (0, True)


def test_what_fails_again_stays_with_its_reason_and_the_others_go_back():
    box, door = a_box("call a", "call bad", "call c"), refuses("bad")

    redriven = redrive(box, door)

    assert box.bodies == ["call bad"]
    assert redriven.left == (Found("m2", SENT_AT, Contents("call bad"), "ValueError: broken"),)
    assert (redriven.went_back, redriven.empty) == (2, False)


def test_what_is_left_is_there_for_the_next_call_at_once():
    box = a_box("call bad")

    redrive(box, refuses("bad"))

    assert redrive(box, RecordingDoor()).went_back == 1


def test_what_nobody_can_read_is_told_and_left():
    box = a_box("garbage", "call a")

    redriven = redrive(box, RecordingDoor())

    assert redriven.left == (Found("m1", SENT_AT, None, "no letter of ours"),)
    assert box.bodies == ["garbage"]


@pytest.mark.parametrize(
    ("unknown", "why"),
    [
        (False, "lambda.Invoke: TooManyRequestsException"),
        (True, "no answer was read (lambda.Invoke: TooManyRequestsException): it may have worked"),
    ],
)
def test_a_call_that_fails_leaves_the_letter(unknown: bool, why: str):
    error = CallFailed("lambda.Invoke", "TooManyRequestsException", unknown_outcome=unknown)
    box = a_box("call a")

    redriven = redrive(box, breaks_at("a", error))

    assert redriven.left[0].why.startswith(why)
    assert box.bodies == ["call a"]


def test_a_letter_whose_content_cannot_be_fetched_now_is_left():
    def forbidden(_: DeadLetter) -> Errand:
        raise CallFailed("s3.GetObject", "AccessDenied")

    box = DeadLetterBox(forbidden)
    box.add("call a")

    assert redrive(box, RecordingDoor()).left[0].why == "s3.GetObject: AccessDenied"


def test_one_that_went_back_but_is_not_deleted_goes_back_once_more():
    box, door = a_box("call a"), RecordingDoor()
    box.fails["delete"] = CallFailed("sqs.DeleteMessage", "ServiceUnavailable")

    first, second = redrive(box, door), redrive(box, door)

    assert "it went back, but could not be deleted" in first.left[0].why
    assert second.empty
    assert [payload for _, payload in door.came_in] == ["a", "a"]


def test_an_interruption_gives_back_what_was_taken():
    box = a_box("call bad", "call a", "call b")
    answers = {"bad": "broken", "a": KeyboardInterrupt()}

    def answer(payload: str) -> str | None:
        said = answers.get(payload)
        if isinstance(said, BaseException):
            raise said
        return said

    with pytest.raises(KeyboardInterrupt):
        redrive(box, RecordingDoor(answer))

    assert box.waiting().free == 3


def test_a_queue_that_answers_no_more_ends_the_call_with_what_was_done():
    box = a_box("call a", "call b")

    def answer(payload: str) -> None:
        if payload == "a":
            box.fails["take"] = CallFailed("sqs.ReceiveMessage", "ExpiredToken")

    redriven = redrive(box, RecordingDoor(answer))

    assert (redriven.went_back, redriven.empty) == (1, False)
    assert redriven.stopped == "sqs.ReceiveMessage: ExpiredToken"


def test_a_queue_that_is_not_there_is_an_error():
    box = a_box()
    box.fails["waiting"] = CallFailed("sqs.GetQueueAttributes", "NonExistentQueue")

    with pytest.raises(CallFailed, match="NonExistentQueue"):
        redrive(box, RecordingDoor())


def test_a_letter_is_tried_once_a_call_however_long_the_others_take():
    box = a_box(*(f"call {n}" for n in range(FEWEST_TAKEN + 2)))

    def slowly_in_vain(_: str) -> str:
        box.seconds += HIDDEN_SECONDS / 2
        return "broken"

    door = RecordingDoor(slowly_in_vain)
    redriven = redrive(box, door)

    payloads = [payload for _, payload in door.came_in]
    assert len(payloads) == len(set(payloads)) == redriven.found
    assert box.takes == FEWEST_TAKEN + 2
    assert redriven.found + redriven.not_looked_at == FEWEST_TAKEN + 2


def test_letters_that_come_while_it_works_do_not_keep_it_working():
    box = a_box("call 0")

    def brings_another(payload: str) -> str:
        box.add(f"call {int(payload) + 1}")
        return "broken"

    redriven = redrive(box, RecordingDoor(brings_another))

    assert redriven.found == FEWEST_TAKEN


def test_a_limit_takes_so_many_and_says_how_many_more_there_are():
    box, door = a_box("call a", "call b", "call c"), RecordingDoor()

    redriven = redrive(box, door, limit=2)

    assert (redriven.went_back, redriven.not_looked_at, redriven.empty) == (2, 1, False)
    assert box.bodies == ["call c"]


def test_two_who_redrive_at_the_same_time_share_the_letters():
    box = a_box("call a", "call b")
    theirs = box.take()
    door = RecordingDoor()

    redriven = redrive(box, door)

    assert theirs is not None
    assert (redriven.went_back, redriven.in_other_hands, redriven.empty) == (1, 1, False)
    assert box.bodies == [theirs.body]


def test_looking_brings_nothing_back_and_leaves_all_where_it_was():
    box = a_box("call a", "garbage", "alert b")

    seen = look(box)

    assert seen.left == (
        Found("m1", SENT_AT, Contents("call a")),
        Found("m2", SENT_AT, None, "no letter of ours"),
        Found("m3", SENT_AT, Contents("alert b")),
    )
    assert (box.waiting().free, len(box.bodies)) == (3, 3)
