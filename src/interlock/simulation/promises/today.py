"""Which date it is for a pipeline, read off the clock on its wall; of the product's, only when a cron fires is used."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from interlock.domain.pipeline import Pipeline
from interlock.domain.schedule import Period, cron_form, expected_fires

_FORMS = {Period.DAILY: "%Y-%m-%d", Period.HOURLY: "%Y-%m-%dT%H", Period.MINUTE: "%Y-%m-%dT%H:%M"}


def todays_date(pipeline: Pipeline, at: datetime) -> str:
    """Of the day; of the hour or of the latest fire today, where the cron has such."""
    zone, form = ZoneInfo(pipeline.schedule.timezone), cron_form(pipeline)
    local = at.astimezone(zone)
    if form is Period.MINUTE:
        midnight = datetime(local.year, local.month, local.day, tzinfo=zone)
        fires = list(expected_fires(pipeline, midnight, at + timedelta(microseconds=1)))
        local = fires[-1].astimezone(zone) if fires else local
    return local.strftime(_FORMS[form])
