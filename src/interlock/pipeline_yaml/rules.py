"""Rules and rule groups as users write them, and what each check needs beside its key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic.alias_generators import to_camel
from typing_extensions import TypeAliasType

from interlock.domain.pipeline import (
    AllOf,
    AnyOf,
    AtLeast,
    Check,
    Not,
    Rule,
    RuleNode,
    UpstreamDate,
    UpstreamRule,
)
from interlock.domain.sensor_value import as_number
from interlock.pipeline_yaml.mistake import shown
from interlock.pipeline_yaml.scalars import DeadlineText, Line, Name, SensorKey, one_of, read_duration

_AGES = (Check.AGE_LT, Check.AGE_GT)
_ORDERS = (Check.GT, Check.GTE, Check.LT, Check.LTE)
_NEED_A_FIELD = (Check.EQUALS, Check.NOT_EQUALS, Check.IN, *_ORDERS)
_LONGEST_TEXT = 1024
_LONGEST_AGE = timedelta(days=3660)


class Section(BaseModel):
    """One mapping of the file: its keys are camelCase, and there are no others."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=to_camel, use_enum_values=False
    )


class RuleSection(Section):
    """One condition on one sensor."""

    key: Annotated[
        SensorKey, Field(description="The sensor: the part of its key after SENSOR#, without a period.")
    ]
    check: Annotated[
        Check, one_of(Check), Field(description="How the value seen is compared with the value wanted.")
    ]
    field: Line | None = Field(
        default=None,
        validate_default=True,
        description="Which field of the reading. Needed by all checks but exists (then: the reading itself) "
        "and age_* (then: updatedAt).",
    )
    value: Annotated[
        Any,
        WithJsonSchema(
            {
                "type": ["string", "number", "boolean", "array"],
                "items": {"type": ["string", "number", "boolean"]},
            }
        ),
    ] = Field(
        default=None,
        validate_default=True,
        description="The value wanted: any for equals and not_equals, a list for in, a number for gt, gte, "
        "lt and lte, a duration (or seconds) for age_*, none for exists.",
    )

    @field_validator("field", mode="after")
    @classmethod
    def _field_is_there(cls, value: str | None, info: ValidationInfo) -> str | None:
        check = info.data.get("check")  # absent when itself mistaken
        if value is None and check in _NEED_A_FIELD:
            raise ValueError(f"is required for {check}; name the field of the reading to compare")
        return value

    @field_validator("value", mode="after")
    @classmethod
    def _value_fits(cls, value: Any, info: ValidationInfo) -> Any:
        check = info.data.get("check")
        return value if check is None else _wanted(check, value)

    def rule(self) -> Rule:
        """The domain's rule."""
        return Rule(key=self.key, check=self.check, field=self.field, value=self.value)


class TriggerSection(RuleSection):
    """The sensor write that starts a run."""

    deadline: DeadlineText | None = Field(
        default=None,
        description='Closes the door: afterwards nothing starts by itself. "HH:MM" on the day after the '
        'execution date, ":MM" in the hour after.',
    )


class UpstreamSection(Section):
    """One condition on another pipeline's outcome. It stands in validation.rules only."""

    pipeline: Name = Field(description="The other pipeline's id.")
    check: Literal["succeeded"] = Field(
        description="The run has succeeded, and is not being rerun.",
    )
    date: Annotated[UpstreamDate, one_of(UpstreamDate)] = Field(
        default=UpstreamDate.SAME,
        description="Which of its runs: same (of the same execution date; where its dates are coarser, the one "
        "that contains it), previous (of the period before, by this pipeline's own schedule) or window (all "
        "runs of the periods that lie within this one: a day waits for its 24 hourly runs).",
    )

    def rule(self) -> RuleNode:
        """The domain's rule."""
        return UpstreamRule(self.pipeline, self.date)


class AllSection(Section):
    """Holds when every member holds."""

    all: list[RuleItem] = Field(description="Rules that must all hold.")

    def rule(self) -> RuleNode:
        """The domain's group."""
        return AllOf(rule_nodes(self.all))


class AnySection(Section):
    """Holds when some member holds."""

    any: list[RuleItem] = Field(description="Rules of which one must hold.")

    def rule(self) -> RuleNode:
        """The domain's group."""
        return AnyOf(rule_nodes(self.any))


class AtLeastSection(Section):
    """Holds when so many members hold."""

    of: list[RuleItem] = Field(description="The rules that are counted.")
    at_least: int = Field(ge=1, description="How many of them must hold.")

    @field_validator("at_least", mode="after")
    @classmethod
    def _can_hold(cls, value: int, info: ValidationInfo) -> int:
        if value > len(info.data.get("of", range(value))):
            raise ValueError(f"{value} rules can never hold, `of` has fewer; lower it or add rules")
        return value

    def rule(self) -> RuleNode:
        """The domain's group."""
        return AtLeast(self.at_least, rule_nodes(self.of))


class NotSection(Section):
    """Holds when its member does not."""

    not_: RuleItem = Field(alias="not", description="The rule that must not hold.")

    def rule(self) -> RuleNode:
        """The domain's group."""
        return Not(self.not_.rule())


_GROUPS = {
    "all": "<all>",
    "any": "<any>",
    "atLeast": "<atLeast>",
    "of": "<atLeast>",
    "not": "<not>",
    "pipeline": "<pipeline>",
}


def _kind(value: Any) -> str:
    found = (tag for key, tag in _GROUPS.items() if isinstance(value, dict) and key in value)
    return next(found, "<rule>")


RuleItem = TypeAliasType(
    "RuleItem",
    Annotated[
        Annotated[RuleSection, Tag("<rule>")]
        | Annotated[AllSection, Tag("<all>")]
        | Annotated[AnySection, Tag("<any>")]
        | Annotated[AtLeastSection, Tag("<atLeast>")]
        | Annotated[NotSection, Tag("<not>")]
        | Annotated[UpstreamSection, Tag("<pipeline>")],
        Discriminator(_kind),
    ],
)
# pydantic names the kind of a rule inside the location of an error; these are not part of the user's path.
MODEL_OF_TAG: dict[str | int, type[Section]] = {
    "<rule>": RuleSection,
    "<all>": AllSection,
    "<any>": AnySection,
    "<atLeast>": AtLeastSection,
    "<not>": NotSection,
    "<pipeline>": UpstreamSection,
}
for _group in (AllSection, AnySection, AtLeastSection, NotSection):
    _group.model_rebuild()


def rule_nodes(items: Sequence[Any]) -> tuple[RuleNode, ...]:
    """The domain's rules of these sections."""
    return tuple(item.rule() for item in items)


def _wanted(check: Check, value: Any) -> Any:
    """The value as the domain has it; `ValueError` when it does not suit the check."""
    if check is Check.EXISTS:
        if value is not None:
            raise ValueError("does not belong to exists; remove it, or use equals")
        return None
    if value is None:
        raise ValueError(f"is required for {check}; write the value wanted")
    if check in _AGES:
        return _age(value)
    if check is Check.IN:
        if not isinstance(value, list) or not value:
            raise ValueError(f"must be a list of values for in, such as [a, b], not {shown(value)}")
        return tuple(_scalar(item) for item in value)
    if check in _ORDERS and as_number(value) is None:
        raise ValueError(f"must be a number for {check}, not {shown(value)}")
    return _scalar(value)


def _scalar(value: Any) -> str | int | float | bool:
    if isinstance(value, bool | int | float):
        return value
    if not isinstance(value, str):
        raise ValueError(f"must be text, a number, true or false, not {shown(value)}")
    if len(value) > _LONGEST_TEXT:
        raise ValueError(f"is longer than {_LONGEST_TEXT} characters; shorten it")
    return value


def _age(value: Any) -> timedelta:
    seconds = as_number(value)
    if seconds is None:
        return read_duration(value)
    if not 0 <= seconds <= int(_LONGEST_AGE.total_seconds()):
        raise ValueError(f"must be between 0 seconds and {_LONGEST_AGE.days} days, not {shown(value)}")
    return timedelta(seconds=float(seconds))
