"""Slots: never more holders than slots, first come first served, and no ticket frees another's slot."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import a_key, a_pipeline, a_run
from interlock.aws.attribute_value import as_stored
from interlock.aws.pool_item import pool_item, read_pool
from interlock.aws.run_item import RowInvalid
from interlock.domain.pipeline import Job, JobPool, JobType
from interlock.domain.pool import (
    MOST_TICKETS,
    Limit,
    Pool,
    Ticket,
    Waiting,
    asked,
    claimed,
    given_back,
    is_dead,
    is_one_too_many,
    limits_of,
    newly_granted,
    sent_back,
    ticket_of,
    without_dead,
)
from interlock.domain.run import RunStatus, attempt_mark
from interlock.simulation.item_size import LARGEST_ITEM, item_size

EMPTY = Pool("warehouse")


def a_ticket(name="a", execution=1, attempt=1, turn=0):
    return Ticket(a_key(name), attempt_mark(0x18F000, execution, attempt), turn)


A, B, C, D = (a_ticket(name) for name in "abcd")


def all_asked(*tickets, slots=1, pool=EMPTY):
    for ticket in tickets:
        pool = asked(pool, ticket, slots)
    return pool


def queue(pool):
    return tuple(waiting.ticket for waiting in pool.waiting)


# ---------------------------------------------------------------- asking


def test_who_comes_first_has_the_slot_and_the_others_wait_in_the_order_of_their_asking():
    pool = all_asked(C, A, B)

    assert (pool.holders, queue(pool)) == ((C,), (A, B))
    assert [pool.ahead_of(ticket) for ticket in (C, A, B)] == [None, 0, 1]


def test_asking_twice_is_asking_once():
    pool = all_asked(A, B, C)

    assert all_asked(B, A, C, pool=pool) == pool


def test_nobody_overtakes_the_first_although_his_own_config_would_let_him():
    pool = asked(all_asked(A, B), C, slots=5)

    assert (pool.holders, queue(pool)) == ((A,), (B, C))


def test_more_slots_let_the_next_start_when_they_ask_with_them():
    pool = all_asked(A, B, C)

    assert all_asked(B, slots=2, pool=pool).holders == (A, B)


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(a_ticket(turn=1), id="of another turn"),
        pytest.param(a_ticket(attempt=2), id="of another attempt"),
        pytest.param(a_ticket(execution=2), id="of another life"),
        pytest.param(Ticket(A.key, attempt_mark(0x18F001, 1, 1)), id="of a row made anew"),
        pytest.param(a_ticket(attempt=10), id="of a greater number that is a smaller text"),
    ],
)
def test_a_later_ticket_takes_the_place_of_an_earlier_one_and_never_the_other_way_round(later):
    earlier = a_ticket(attempt=1) if later.attempt != a_ticket(attempt=10).attempt else a_ticket(attempt=9)
    pool = asked(asked(EMPTY, earlier, 1), later, 1)

    assert pool.tickets == (later,)
    assert asked(pool, earlier, 1) == pool


def test_a_full_queue_takes_nobody_in_until_there_is_room_and_still_fits_into_a_row():
    longest = [Ticket(a_key(f"{number:0>128}", date="2026-03-02T18:15"), attempt_mark(0x19CACE6A400, 99, 99), 99)
               for number in range(MOST_TICKETS)]  # fmt: skip
    pool = replace(
        EMPTY, name="w" * 128, version=10**6, holders=tuple(longest[:1000]),
        waiting=tuple(Waiting(ticket, 1000) for ticket in longest[1000:]),
    )  # fmt: skip

    assert asked(pool, A, 1000) == pool
    assert asked(given_back(pool, longest[5]), A, 1000).ahead_of(A) == MOST_TICKETS - 1001
    assert item_size(as_stored(pool_item(pool))) < LARGEST_ITEM


# ---------------------------------------------------------------- giving back


def test_a_slot_that_is_given_back_goes_to_the_first_who_waits():
    pool = all_asked(A, B, C)

    after = given_back(pool, A)

    assert (after.holders, queue(after), newly_granted(pool, after)) == ((B,), (C,), (B,))


def test_giving_back_twice_frees_one_slot():
    pool = given_back(all_asked(A, B, C), A)

    assert given_back(pool, A) == pool


def test_whoever_waits_and_gives_up_frees_no_slot():
    pool = given_back(all_asked(A, B, C), B)

    assert (pool.holders, queue(pool)) == ((A,), (C,))


@pytest.mark.parametrize("earlier", [a_ticket(attempt=2, turn=1), a_ticket(attempt=1, turn=9)])
def test_the_ticket_of_an_earlier_turn_or_attempt_never_frees_a_later_one(earlier):
    pool = all_asked(a_ticket(attempt=2, turn=2), B)

    assert given_back(pool, earlier) == pool


def test_the_end_of_an_attempt_frees_what_its_earlier_turns_left_behind():
    pool = all_asked(a_ticket(turn=0), B)

    assert given_back(pool, a_ticket(turn=3)).holders == (B,)


def test_the_dead_make_room_as_holders_and_in_the_queue():
    pool = all_asked(A, B, C, D)

    assert without_dead(pool, {A, B}) == replace(pool, holders=(C,), waiting=(Waiting(D, 1),))


# ---------------------------------------------------------------- fewer slots, found jobs


def test_who_was_granted_a_slot_that_is_there_no_more_waits_first_of_all():
    pool = all_asked(A, B, C, slots=2)
    again = replace(B, turn=1)

    assert [is_one_too_many(pool, ticket, 1) for ticket in (A, B, C)] == [False, True, False]
    assert sent_back(pool, again, 1) == Pool("warehouse", (A,), (Waiting(again, 1), Waiting(C, 2)))


def test_a_job_that_runs_already_counts_although_no_slot_is_free():
    pool = claimed(all_asked(A, B, C), C)

    assert (pool.holders, queue(pool)) == ((A, C), (B,))
    assert claimed(pool, C) == pool
    assert given_back(pool, A).holders == (C,)


# ---------------------------------------------------------------- whose ticket


@pytest.mark.parametrize(
    ("run", "dead"),
    [
        pytest.param(a_run("WAITING"), False, id="waits"),
        pytest.param(a_run("RUNNING"), False, id="runs"),
        pytest.param(a_run("WAITING", slot_turn=1), True, id="gave it back"),
        pytest.param(a_run("WAITING", attempt=2), True, id="tries again"),
        pytest.param(a_run("WAITING", execution_count=2), True, id="was revived"),
        pytest.param(None, True, id="was deleted"),
        *(
            pytest.param(a_run(status), True, id=status)
            for status in RunStatus
            if status not in (RunStatus.WAITING, RunStatus.RUNNING)
        ),
    ],
)
def test_a_ticket_is_dead_when_its_run_needs_it_no_more(run, dead):
    assert is_dead(ticket_of(a_run()), run) is dead


def test_a_pipelines_own_limit_is_asked_for_before_the_pool_that_it_shares():
    job = Job(JobType.GLUE, {}, max_concurrent_runs=2, pool=JobPool("warehouse", 3))

    limits = limits_of(a_pipeline(id="gold", job=job))

    assert limits == (Limit("pipeline:gold", 2), Limit("warehouse", 3))
    assert [str(limit) for limit in limits] == [
        "the pipeline's own limit (maxConcurrentRuns 2)",
        "the pool warehouse (3 slots)",
    ]
    assert limits_of(a_pipeline()) == ()


# ---------------------------------------------------------------- its row


def test_a_pool_is_read_back_as_it_was_written():
    pool = replace(all_asked(A, B, replace(C, turn=2), slots=2), version=7)

    assert read_pool("warehouse", pool_item(pool)) == pool


@pytest.mark.parametrize(
    "change",
    [
        {"holders": None},
        {"holders": [["a", "stream", "2026-03-02"]]},
        {"holders": [["a", "stream", "2026-03-02", "no mark", 0]]},
        {"waiting": [["a", "stream", "2026-03-02", "1.1.1", 0]]},
        {"version": "seven"},
    ],
)
def test_a_row_that_somebody_wrote_over_is_named(change):
    with pytest.raises(RowInvalid, match="the pool warehouse is not one of ours"):
        read_pool("warehouse", {**pool_item(all_asked(A, B)), **change})


# ---------------------------------------------------------------- whatever happens

RUNS = st.sampled_from("abcdef")
ACTS = st.lists(
    st.tuples(st.sampled_from(("ask", "ask", "give back", "next", "late")), RUNS, st.integers(1, 3)),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(ACTS)
def test_there_are_never_more_holders_than_slots_and_free_ones_are_never_withheld(acts):
    pool, current = EMPTY, {name: a_ticket(name) for name in "abcdef"}
    for act, name, number in acts:
        ticket = current[name]
        if act == "next":  # the attempt is over; its record has not come yet
            current[name] = replace(ticket, turn=ticket.turn + 1)
        elif act == "late":  # somebody asks, or gives back, with what he read long ago
            old = replace(ticket, turn=max(0, ticket.turn - number))
            pool = asked(pool, old, 2) if number > 1 else given_back(pool, old)
        else:
            pool = asked(pool, ticket, 2) if act == "ask" else given_back(pool, ticket)
        assert len(pool.holders) <= 2
        assert not pool.waiting or len(pool.holders) == 2
        assert len({ticket.key for ticket in pool.tickets}) == len(pool.tickets)


@settings(max_examples=300, deadline=None)
@given(ACTS)
def test_a_slot_is_granted_by_no_number_but_that_of_whoever_gets_it(acts):
    """Pipelines that give their pool different numbers."""
    pool = EMPTY
    for act, name, number in acts:
        before, ticket = pool, a_ticket(name)
        pool = given_back(pool, ticket) if act == "give back" else asked(pool, ticket, number)
        said = {ticket: waiting.slots for waiting in before.waiting for ticket in (waiting.ticket,)} | {
            ticket: number
        }
        granted = newly_granted(before, pool)
        places = {ticket: pool.holders.index(ticket) for ticket in granted}
        assert all(places[ticket] < said[ticket] for ticket in granted)


@settings(max_examples=200, deadline=None)
@given(st.permutations("abcdef"), st.integers(1, 3), st.permutations("abcdef"))
def test_slots_are_granted_in_the_order_of_asking_in_whatever_order_they_come_back(order, slots, ends):
    pool = all_asked(*map(a_ticket, order), slots=slots)
    granted = list(pool.holders)
    while pool.holders:
        ended = next(ticket for ticket in map(a_ticket, ends) if ticket in pool.holders)
        after = given_back(pool, ended)
        granted += newly_granted(pool, after)
        pool = after

    assert granted == list(map(a_ticket, order))
