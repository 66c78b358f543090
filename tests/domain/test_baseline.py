"""Which fields are kept of a success, and what a run is taken to have read."""

from datetime import timedelta

from builders import a_key, a_pipeline, a_reading, a_rule, a_run, at
from interlock.domain.baseline import Baseline, baseline_fields, late_fields, read_by, values_of
from interlock.domain.pipeline import AnyOf, Not, PostRun
from interlock.domain.sensor import Unseen

AGE = a_rule("age_lt", timedelta(hours=1), "loadedAt", "orders")
RULES = [
    AnyOf((a_rule(key="orders"), Not(a_rule("equals", True, "open", "orders")))),
    a_rule(key="stock"),
    AGE,
]
WATCHED = PostRun((a_rule("exists", field=None, key="orders"), a_rule(key="audit", field="bad")))
READ = {"orders": {"count": 1, "open": None}}


def test_late_data_is_found_in_the_fields_that_the_trigger_and_the_rules_compare():
    assert late_fields(a_pipeline(rules=RULES)) == {
        "upstream-complete": ["status"],
        "orders": ["count", "open"],
        "stock": ["count"],
    }


def test_an_age_and_a_mere_existence_are_no_fields_of_late_data():
    rules = [AGE, a_rule("exists", field=None, key="marker")]

    assert late_fields(a_pipeline(cron="0 6 * * *", rules=rules)) == {}


def test_drift_adds_its_field_of_every_post_run_sensor():
    fields = baseline_fields(a_pipeline(rules=RULES, post_run=WATCHED))

    assert fields["orders"] == ("count", "open", "sensor_count")
    assert fields["audit"] == ("count", "sensor_count")


def test_driftfield_takes_the_place_of_the_usual_ones():
    watched = PostRun(WATCHED.rules, drift_field="rows")

    assert baseline_fields(a_pipeline(post_run=watched))["audit"] == ("rows",)


def test_what_is_kept_says_of_a_field_without_a_value_that_it_was_looked_at():
    readings = {"orders": a_reading({"count": 7}, "orders"), "stock": Unseen("stock", "never reported")}

    kept = values_of({"orders": ("count", "open"), "stock": ("count",)}, readings)

    assert kept == {"orders": {"count": 7, "open": None}, "stock": {"count": None}}


def test_a_run_read_what_its_own_attempts_baseline_says():
    baseline = Baseline(a_key(), 2, at("2026-03-02T10:00"), READ)

    assert read_by(a_run("SUCCEEDED", attempt=2), baseline, a_pipeline(rules=RULES)) == READ


def test_without_a_baseline_of_its_attempt_a_run_read_what_its_rules_saw_at_the_start():
    run = a_run("SUCCEEDED", attempt=3, seen={"orders": {"count": 5}, "audit": {"sensor_count": 4}})
    former = Baseline(a_key(), 2, at("2026-03-02T10:00"), READ)

    read = read_by(run, former, a_pipeline(rules=RULES, post_run=WATCHED))

    assert read == {
        "orders": {"count": 5, "open": None},
        "stock": {"count": None},
        "audit": {"sensor_count": 4},
    }
