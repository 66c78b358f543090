"""The stored configs follow the user's files: whatever is renamed, doubled, broken or removed, each file on its own."""

import pytest

from builders import a_pipeline
from config_world import BROKEN, NAMELESS, Configs, a_file
from interlock.aws.config_ledger import DynamoConfigLedger
from interlock.domain.pipeline_codec import encode_pipeline
from interlock.ports import CallFailed
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.sync_configs import SyncFailed
from world_builder import later

# ---------------------------------------------------------------- coming, changing, going


def test_a_valid_file_becomes_a_config_and_is_told():
    world = Configs(gold=a_file())

    world.sync()

    assert (world.stored, world.said) == ({"gold": ("gold.yaml", "etl")}, [("CONFIG_LOADED", "gold")])


def test_a_file_that_did_not_change_is_not_read_again():
    world = Configs(gold=a_file(), silver=BROKEN)
    world.sync()
    world.bucket.read_names.clear()

    world.sync()

    assert (world.bucket.read_names, len(world.events)) == ([], 2)


def test_a_file_that_changed_replaces_its_config():
    world = Configs(gold=a_file())
    world.sync()

    world.write(gold=a_file(job_name="other"))
    world.sync()

    assert world.stored == {"gold": ("gold.yaml", "other")}
    assert world.told == ["CONFIG_LOADED"] * 2


def test_a_file_that_changed_in_its_comments_alone_is_not_loaded_again():
    world = Configs(gold=a_file())
    world.sync()

    world.write(gold=a_file() + b"# note\n")
    world.sync()

    assert world.told == ["CONFIG_LOADED"]


def test_a_file_that_is_removed_takes_its_config_and_schedule_with_it():
    world = Configs(gold=a_file(cron="0 6 * * *"), silver=a_file("silver"))
    world.sync()

    world.write(gold=None)
    world.sync()

    assert (list(world.stored), world.bucket.schedules) == (["silver"], {})


def test_a_file_that_is_removed_between_the_listing_and_the_read_is_no_error():
    world = Configs(gold=a_file())
    world.calls.arrange("s3.GetObject", lambda: world.write(gold=None))

    world.sync()

    assert world.stored == {}


@pytest.mark.parametrize("name", ["b", "z"])
def test_a_renamed_file_keeps_its_pipeline(name):
    world = Configs(c=a_file())
    world.sync()
    removals = []
    world.table._on_change = lambda *change: removals.append(change[3] is None and change[1][1] == "CONFIG")

    world.write(c=None, **{name: a_file()})
    world.sync()

    assert world.stored == {"gold": (f"{name}.yaml", "etl")}
    assert not any(removals)  # else its waiting runs were cancelled


def test_a_file_that_names_another_pipeline_gives_up_the_first():
    world = Configs(a=a_file("gold", cron="0 6 * * *"))
    world.sync()

    world.write(a=a_file("silver"))
    world.sync()

    assert (list(world.stored), world.bucket.schedules) == (["silver"], {})


# ---------------------------------------------------------------- schedules


def test_a_cron_pipeline_has_a_schedule_that_follows_it():
    world = Configs(gold=a_file(cron="0 6 * * *"))
    world.sync()
    assert world.bucket.schedules == {"gold": "0 6 * * *"}

    world.write(gold=a_file(cron="0 7 * * *"))
    world.sync()
    assert world.bucket.schedules == {"gold": "0 7 * * *"}

    world.write(gold=a_file())
    world.sync()
    assert world.bucket.schedules == {}


def test_a_pipeline_that_only_observes_has_no_schedule():
    both = b'pipeline: {id: gold}\nschedule: {cron: "0 6 * * *", trigger: {key: ready, check: exists}}\n'
    world = Configs(gold=both + b"job: {type: glue, config: {jobName: etl}}\ndryRun: true\n")

    world.sync()

    assert (list(world.stored), world.bucket.schedules) == (["gold"], {})


# ---------------------------------------------------------------- invalid files


def test_a_file_that_becomes_invalid_keeps_the_last_good_config_and_says_so():
    world = Configs(gold=a_file())
    world.sync()

    world.write(gold=BROKEN)
    world.sync()

    assert world.stored == {"gold": ("gold.yaml", "etl")}
    told = world.events[-1]
    assert (told.type, told.pipeline_id) == ("CONFIG_INVALID", "gold")
    assert "the last good config stays in force" in told.message
    assert "gold.yaml:2: job.type" in told.detail["mistakes"][0]


@pytest.mark.parametrize(("text", "pipeline_id"), [(BROKEN, "gold"), (NAMELESS, None), (b"\xff", None)])
def test_a_file_that_was_never_valid_has_no_last_good_config(text, pipeline_id):
    world = Configs(gold=text)
    world.sync()

    world.write(gold=text + b"\n")
    world.sync()

    assert world.said == [("CONFIG_INVALID", pipeline_id)] * 2
    assert not any("stays in force" in event.message for event in world.events)
    assert world.stored == {}


def test_an_invalid_file_harms_no_other():
    world = Configs(a=BROKEN, b=NAMELESS, silver=a_file("silver"), z=b"\xff\xfe" * 200_000)

    world.sync()

    assert list(world.stored) == ["silver"]
    assert world.told.count("CONFIG_INVALID") == 3


def test_a_file_that_is_corrected_is_loaded():
    world = Configs(gold=BROKEN)
    world.sync()

    world.write(gold=a_file())
    world.sync()

    assert world.stored == {"gold": ("gold.yaml", "etl")}


def test_a_file_that_is_withheld_is_told_once_and_tried_at_each_pass():
    world = Configs(gold=a_file(), silver=a_file("silver"))
    world.bucket.withheld["gold.yaml"] = "AccessDenied"

    world.sync()
    world.sync(later())

    assert world.said == [("CONFIG_INVALID", None), ("CONFIG_LOADED", "silver")]
    assert world.events[0].message == "gold.yaml has 1 mistake: gold.yaml:1: let it be read"
    assert world.bucket.read_names.count("gold.yaml") == 2


def test_a_file_that_is_withheld_is_loaded_once_it_is_handed_over():
    world = Configs(gold=a_file())
    world.bucket.withheld["gold.yaml"] = "AccessDenied"
    world.sync()

    world.bucket.withheld.clear()
    world.sync(later())
    world.sync(later())

    assert (world.stored, world.told) == ({"gold": ("gold.yaml", "etl")}, ["CONFIG_INVALID", "CONFIG_LOADED"])
    assert world.bucket.read_names.count("gold.yaml") == 2


def test_a_change_that_is_withheld_keeps_the_last_good_config():
    world = Configs(gold=a_file(cron="0 6 * * *"))
    world.sync()

    world.write(gold=a_file(job_name="other"))
    world.bucket.withheld["gold.yaml"] = "KMS.DisabledException"
    world.sync(later())

    assert (world.stored, world.bucket.schedules) == ({"gold": ("gold.yaml", "etl")}, {"gold": "0 6 * * *"})
    assert world.said[1:] == [("CONFIG_INVALID", "gold")]
    assert "the last good config stays in force" in world.events[1].message


def test_a_file_that_is_withheld_for_another_reason_is_told_again():
    world = Configs(gold=a_file())
    world.bucket.withheld["gold.yaml"] = "AccessDenied"
    world.sync()

    world.bucket.withheld["gold.yaml"] = "KMS.DisabledException"
    world.sync(later())

    assert world.told == ["CONFIG_INVALID"] * 2


def test_a_withheld_file_that_is_removed_is_forgotten():
    world = Configs(gold=a_file())
    world.bucket.withheld["gold.yaml"] = "AccessDenied"
    world.sync()

    world.write(gold=None)
    world.sync(later())

    assert [row for row in world.rows if row["PK"] == "CONFIG_FILES"] == []


def test_a_listing_that_is_refused_changes_nothing_and_is_named():
    world = Configs(gold=a_file())
    world.sync()
    world.calls.arrange("s3.ListObjectsV2", CallFailed("s3.ListObjectsV2", "AccessDenied"))

    with pytest.raises(CallFailed, match=r"s3\.ListObjectsV2: AccessDenied"):
        world.sync(later())

    assert (world.stored, world.told) == ({"gold": ("gold.yaml", "etl")}, ["CONFIG_LOADED"])


def test_more_text_than_memory_holds_is_loaded_all_the_same(monkeypatch):
    monkeypatch.setattr("interlock.steps.sync_configs._MOST_HELD_BYTES", 2 * len(a_file()))
    world = Configs(gold=a_file(), silver=a_file("silver"), bronze=a_file("bronze"), other=BROKEN)

    world.sync()

    assert sorted(world.stored) == ["bronze", "gold", "silver"]


def test_what_is_wrong_with_a_file_is_seen_beside_the_longest_name():
    name = "a/long/folder/" * 70 + "gold"
    world = Configs(**{name: BROKEN})

    world.sync()

    (told,) = world.events
    assert told.detail["source"] == f"{name}.yaml"
    assert "long/folder/gold.yaml:2: job.type" in told.message
    assert len(told.message) < 600


@pytest.mark.parametrize("letter", ["x", "日"])
def test_a_name_as_long_as_s3_takes_is_recorded_and_kept_apart_from_its_like(letter):
    stem = letter * ((1024 - len(".yaml")) // len(letter.encode()))
    world = Configs(**{stem: a_file(), stem[:-1] + "y": a_file("silver")})

    world.sync()
    world.bucket.read_names.clear()
    world.sync(later())

    assert sorted(world.stored) == ["gold", "silver"]
    assert world.bucket.read_names == []


def test_an_invalid_file_that_is_removed_takes_the_last_good_config_with_it():
    world = Configs(gold=a_file())
    world.sync()
    world.write(gold=BROKEN)
    world.sync()

    world.write(gold=None)
    world.sync()

    assert world.stored == {}


def test_an_invalid_file_is_told_under_the_pipeline_that_it_names_now():
    world = Configs(a=a_file("gold"), b=BROKEN)
    world.sync()

    world.write(b=BROKEN.replace(b"gold", b"silver"))
    world.sync()

    assert world.said[-1] == ("CONFIG_INVALID", "silver")


# ---------------------------------------------------------------- two files, one pipeline


def test_of_two_files_that_name_one_pipeline_the_first_holds_it_and_the_other_is_refused():
    world = Configs(a=a_file(job_name="a"), b=a_file(job_name="b"))

    world.sync()

    assert world.stored == {"gold": ("a.yaml", "a")}
    assert "already defined by a.yaml" in world.events[-1].message


@pytest.mark.parametrize("second", ["a", "z"])
def test_a_second_file_takes_nothing_from_the_first(second):
    world = Configs(m=a_file(job_name="m"))
    world.sync()

    world.write(**{second: a_file(job_name="second")})
    world.sync()
    world.write(m=a_file(job_name="changed"))
    world.sync()

    assert world.stored == {"gold": ("m.yaml", "changed")}


@pytest.mark.parametrize("second", ["a", "z"])
@pytest.mark.parametrize("before", [{}, {"silver": True}], ids=["held nothing", "held another"])
def test_a_second_file_takes_nothing_while_the_first_is_invalid(second, before):
    world = Configs(m=a_file(job_name="m"), **({second: a_file("silver")} if before else {}))
    world.sync()
    world.write(**{second: a_file(job_name="second")})
    world.sync()

    world.write(m=BROKEN)
    world.sync()
    world.write(**{second: a_file(job_name="again")})
    world.sync()
    assert world.stored["gold"] == ("m.yaml", "m")

    world.write(m=a_file(job_name="corrected"))
    world.sync()
    assert world.stored["gold"] == ("m.yaml", "corrected")


@pytest.mark.parametrize("second", ["a", "z"])
@pytest.mark.parametrize(
    "gives_up",
    [
        pytest.param({"m": None}, id="removed"),
        pytest.param({"m": a_file("silver")}, id="names another"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["in one pass", "in two passes"])
def test_a_second_file_holds_the_pipeline_that_the_first_gives_up(second, gives_up, at_once):
    world = Configs(m=a_file(job_name="m"))
    world.sync()

    world.write(**{second: a_file(job_name="second")})
    if not at_once:
        world.sync()
    world.write(**gives_up)
    world.sync()

    assert world.stored["gold"] == (f"{second}.yaml", "second")


def test_what_is_still_wrong_after_another_file_went_is_not_said_again():
    world = Configs(a=BROKEN, b=a_file("silver"))
    world.sync()

    world.write(b=None)
    world.sync()

    assert world.told.count("CONFIG_INVALID") == 1


# ---------------------------------------------------------------- passes that die, calls that fail

CALLS = ["s3.GetObject", "dynamodb.GetItem", "dynamodb.PutItem", "scheduler.UpdateSchedule"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("nth", [1, 2])
def test_a_pass_that_dies_is_made_good_by_the_next(call, nth):
    world = Configs(gold=a_file(cron="0 6 * * *"), silver=a_file("silver", cron="0 7 * * *"))
    for _ in range(nth - 1):
        world.calls.arrange(call, lambda: None)
    world.calls.arrange(call, FunctionCrashed(call))

    with pytest.raises(FunctionCrashed):
        world.sync()
    world.sync(later(minutes=5))

    assert world.stored == {"gold": ("gold.yaml", "etl"), "silver": ("silver.yaml", "etl")}
    assert world.bucket.schedules == {"gold": "0 6 * * *", "silver": "0 7 * * *"}
    assert sorted(world.told) == ["CONFIG_LOADED"] * 2


def test_the_schedule_of_a_cron_that_is_taken_out_goes_although_the_first_pass_dies():
    world = Configs(gold=a_file(cron="0 6 * * *"))
    world.sync()
    world.write(gold=a_file())
    world.calls.arrange("scheduler.DeleteSchedule", FunctionCrashed("scheduler.DeleteSchedule"))

    with pytest.raises(FunctionCrashed):
        world.sync()
    world.sync(later(minutes=5))

    assert world.bucket.schedules == {}


@pytest.mark.parametrize("call", ["dynamodb.GetItem", "scheduler.DeleteSchedule", "dynamodb.DeleteItem"])
@pytest.mark.parametrize("after", [False, True])
def test_a_removal_that_dies_is_made_good_by_the_next(call, after):
    world = Configs(gold=a_file(cron="0 6 * * *"))
    world.sync()
    world.write(gold=None)
    world.calls.arrange(call, FunctionCrashed(call), after=after and call.startswith("dynamodb"))

    with pytest.raises(FunctionCrashed):
        world.sync()
    world.sync()

    assert (world.stored, world.bucket.schedules) == ({}, {})
    assert DynamoConfigLedger(world.table).files() == []


@pytest.mark.parametrize("call", ["dynamodb.PutItem", "scheduler.DeleteSchedule", "dynamodb.DeleteItem"])
@pytest.mark.parametrize("after", [False, True])
def test_a_file_that_is_put_back_after_its_removal_died_is_in_force_again(call, after):
    world = Configs(gold=a_file(cron="0 6 * * *"))
    world.sync()
    schedules = dict(world.bucket.schedules)
    world.write(gold=None)
    world.calls.arrange(call, FunctionCrashed(call), after=after and call.startswith("dynamodb"))

    with pytest.raises(FunctionCrashed):
        world.sync()
    world.write(gold=a_file(cron="0 6 * * *"))
    world.sync()

    assert world.stored == {"gold": ("gold.yaml", "etl")}
    assert world.bucket.schedules == schedules != {}


@pytest.mark.parametrize("call", ["dynamodb.GetItem", "dynamodb.PutItem", "dynamodb.DeleteItem"])
def test_a_renaming_that_dies_loses_no_pipeline(call):
    world = Configs(a=a_file())
    world.sync()
    world.write(a=None, b=a_file())
    world.calls.arrange(call, FunctionCrashed(call), after=True)

    with pytest.raises(FunctionCrashed):
        world.sync()
    world.sync()

    assert world.stored == {"gold": ("b.yaml", "etl")}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_fails_stops_no_other_file_and_is_named(call):
    world = Configs(gold=a_file(cron="0 6 * * *"), silver=a_file("silver", cron="0 7 * * *"))
    world.calls.arrange(call, CallFailed(call, "ThrottlingException"))

    with pytest.raises(SyncFailed, match=r"gold.yaml.*ThrottlingException"):
        world.sync()
    assert "silver" in world.bucket.schedules

    world.sync()
    assert list(world.stored) == ["gold", "silver"]


# ---------------------------------------------------------------- what somebody wrote over


@pytest.mark.parametrize("row", [{}, {"config": "?"}, {"config": 1, "version": "x"}])
def test_a_config_that_somebody_wrote_over_is_put_right_when_its_file_changes(row):
    world = Configs(gold=a_file())
    world.sync()
    world.table.from_outside().put({"PK": "PIPELINE#gold", "SK": "CONFIG", **row})

    world.write(gold=a_file(job_name="other"))
    world.sync()

    assert world.stored == {"gold": ("gold.yaml", "other")}


def test_a_config_that_somebody_put_there_belongs_to_the_file_that_names_it():
    world = Configs()
    world.put_config(a_pipeline(id="gold"))

    world.write(gold=a_file())
    world.sync()

    assert world.stored == {"gold": ("gold.yaml", "etl")}


def test_a_config_of_no_file_is_left_alone():
    world = Configs()
    world.put_config(a_pipeline(id="gold"))

    world.sync()

    assert world.outside.config("gold").text == encode_pipeline(a_pipeline(id="gold"))


@pytest.mark.parametrize("call", ["scheduler.DeleteSchedule", "dynamodb.DeleteItem"])
def test_a_config_that_stays_in_force_has_its_schedule_back_although_the_sync_before_died(call):
    world = Configs(gold=a_file(cron="0 6 * * *"))
    world.sync()
    schedules = dict(world.bucket.schedules)
    world.write(gold=None)
    world.calls.arrange(call, FunctionCrashed(call))
    with pytest.raises(FunctionCrashed):
        world.sync()

    world.write(gold=b"pipeline: {id: gold}\njob: {type: glu}\n")
    world.sync()

    assert world.told[-1] == "CONFIG_INVALID"
    assert (world.stored, world.bucket.schedules) == ({"gold": ("gold.yaml", "etl")}, schedules)


def test_a_file_that_was_refused_for_an_id_is_tried_again_although_the_pass_that_gave_it_up_died():
    world = Configs(a=a_file("gold"), b=a_file("gold", job_name="other"))
    world.sync()
    world.write(a=a_file("silver"))
    world.calls.arrange("s3.GetObject", lambda: None)
    world.calls.arrange("s3.GetObject", FunctionCrashed("reading b"))

    with pytest.raises(FunctionCrashed):
        world.sync()
    world.sync()

    assert world.stored == {"gold": ("b.yaml", "other"), "silver": ("a.yaml", "etl")}
