"""Calendars on the embedded stack: files and computed holidays keep runs from opening, and a missing one is waited for."""

from datetime import date

import pytest

from flow.world import World
from local.emulator_kit import eventually, unique

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("flow")]

CONFIG = """\
pipeline: {id: %s}
schedule:
  trigger: {key: upstream, check: exists}
  exclude: {calendar: %s, holidays: US-NY}
job: {type: glue, config: {jobName: none}}
"""


def test_a_pipeline_waits_for_its_calendar_and_then_keeps_to_it_and_to_the_holidays(world: World) -> None:
    pipeline, company = unique("calendar"), unique("company")
    world.upload(f"{pipeline}.yaml", CONFIG % (pipeline, company))
    world.hears(pipeline, "CONFIG_INVALID")
    assert world.control.config(pipeline) is None

    world.upload(f"{company}.yaml", f"calendar: {{name: {company}, days: [sunday]}}\n")
    eventually(lambda: world.control.config(pipeline), 60)
    world.open(pipeline)  # on a Sunday

    assert "PIPELINE_EXCLUDED" in world.hears(pipeline, "PIPELINE_EXCLUDED")
    assert world.run(pipeline) is None
    holidays = world.control.calendars(["holidays:US-NY"])["holidays:US-NY"]
    assert date(2026, 12, 25) in holidays
