"""An alert in Slack's markup, which other tools read too, escaped: nothing from outside can ping anybody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from interlock.domain.message import Alert

# Characters of each paragraph, as sent. A section takes 3,000. The limit of all blocks is not documented:
# 9,600 were accepted and 11,300 refused. https://docs.slack.dev/reference/block-kit/blocks/section-block
# https://github.com/slackapi/bolt-js/issues/2867
_HEAD, _REASONS, _NEXT, _FACTS, _PEOPLE = 2500, 2500, 600, 2000, 1400
_CUT = "… the rest is in the events table"

# In Slack `@here` is text, but Mattermost and others that take the same JSON would ping. `a@b` stays.
_PING = re.compile(r"(?<![\w.+-])@(?=\w)")
_ADDRESS = re.compile(r"https?://[^\s|<>\"]+\Z")


def escaped(text: str) -> str:
    """Text that stays text: no mention, no link, no end of a code span."""
    # https://docs.slack.dev/messaging/formatting-message-text#escaping
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")
    return _PING.sub("@\u2060", text)


def paragraphs(alert: Alert) -> list[str]:
    """What happened, why, what comes next, facts, people: each fits a section block, together one message."""
    return [
        paragraph
        for paragraph in (
            headline(alert),
            _joined((f"• {escaped(reason)}" for reason in alert.reasons), _REASONS),
            _joined([f"*Next:* {escaped(alert.next_step)}"] if alert.next_step else [], _NEXT),
            _joined((f"{escaped(name)}: `{escaped(value)}`" for name, value in alert.facts if value), _FACTS),
            _joined(_people(alert), _PEOPLE),
        )
        if paragraph
    ]


def headline(alert: Alert) -> str:
    """The title and the event's own words: what a notification shows."""
    message = escaped(alert.message)
    if (
        len(message) > _HEAD // 2
    ):  # hardly a letter in it that needs no escape: a character grows to five at most
        message = escaped(alert.message[: _HEAD // 10]) + "…"
    return _joined([f"{alert.mark} *{escaped(alert.title)}*", message], _HEAD)


def _people(alert: Alert) -> Iterator[str]:
    if alert.owner:
        yield f"owner: {escaped(alert.owner)}"
    if alert.runbook and _ADDRESS.match(alert.runbook):
        yield f"<{alert.runbook.replace('&', '&amp;')}|runbook>"
    elif alert.runbook:
        yield f"runbook: {escaped(alert.runbook)}"
    yield f"_{escaped(alert.origin)}_"


def _joined(lines: Iterable[str], longest: int) -> str:
    kept: list[str] = []
    room = longest - len(_CUT)
    for line in lines:
        room -= len(line) + 1
        # A line is kept whole or not at all: a cut through `&lt;` would show its half.
        if room < 0:
            return "\n".join([*kept, _CUT])
        if line:
            kept.append(line)
    return "\n".join(kept)
