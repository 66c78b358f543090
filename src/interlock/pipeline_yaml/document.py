"""Text to plain values that know their line: the first stage of reading any YAML of a user.

Scalars are those of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema), so `12:30`, `2026-12-25`,
`no` and `on` are the texts they look like. Size, depth and what aliases expand to are bounded.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from interlock.pipeline_yaml.mistake import Mistake, PipelineInvalid, YamlPath, path_text, shown

MOST_BYTES = 256 * 1024
MOST_VALUES = 20_000  # aliases expanded
DEEPEST = 40
_LONGEST_NUMBER = 40  # DynamoDB keeps 38 digits

_TAG = "tag:yaml.org,2002:"
# What people upload under a name that ends in .yaml.
_BINARY = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a zip archive or an Office document",
    b"\x1f\x8b": "compressed by gzip",
    b"\x89PNG": "an image",
}
_WIDE_MARKS = (
    codecs.BOM_UTF16_LE,
    codecs.BOM_UTF16_BE,
    codecs.BOM_UTF32_BE,
)  # UTF-32's other begins like UTF-16's
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _Form:
    """One kind of scalar: how it is written, which characters it starts with, what it becomes."""

    written: re.Pattern[str]
    starts: str
    read: Callable[[str], Any]


def _whole_number(text: str) -> int:
    return int(text[2:], {"0o": 8, "0x": 16}[text[:2]]) if text[:2] in ("0o", "0x") else int(text)


_FORMS = {
    _TAG + "null": _Form(re.compile(r"(~|null|Null|NULL|)$"), "~nN", lambda _: None),
    _TAG + "bool": _Form(
        re.compile(r"(true|True|TRUE|false|False|FALSE)$"), "tTfF", lambda text: text[0] in "tT"
    ),
    _TAG + "int": _Form(re.compile(r"([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"), "-+0123456789", _whole_number),
    _TAG + "float": _Form(
        re.compile(
            r"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$"
        ),
        "-+.0123456789",
        lambda text: float(text.replace(".i", "i").replace(".I", "I").replace(".n", "n").replace(".N", "N")),
    ),
}


class _TooMuch(yaml.YAMLError):
    """The document passes a bound; the bound is the message."""


class _Loader(yaml.SafeLoader):
    """PyYAML's composer with the scalars of YAML 1.2, and bounded."""

    depth = 0
    nodes = 0
    most_values = MOST_VALUES

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        # Counted before the recursion: a hostile document must exhaust neither the stack nor the clock.
        self.depth += 1
        self.nodes += 1
        if self.depth > DEEPEST:
            raise _TooMuch(f"is nested more than {DEEPEST} deep; flatten it")
        if self.nodes > 2 * self.most_values:  # keys are nodes too
            raise _TooMuch(f"holds more than {self.most_values} values; shorten it")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


_Loader.yaml_implicit_resolvers = {}  # none of YAML 1.1's
for _tag, _form in _FORMS.items():
    _Loader.add_implicit_resolver(
        _tag, _form.written, [*_form.starts, *([""] if _tag.endswith("null") else [])]
    )


def compose(
    text: str | bytes, file: str, most_bytes: int = MOST_BYTES, most_values: int = MOST_VALUES
) -> yaml.Node:
    """The node graph of the one document in `text`; raises `PipelineInvalid` when it cannot be read."""
    loader: _Loader | None = None
    try:
        decoded = _decoded(text, most_bytes)
        loader = _Loader(decoded)
        loader.most_values = most_values
        node = loader.get_single_node()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _unreadable(file, line, "is not UTF-8 text; save the file as UTF-8") from error
    except yaml.reader.ReaderError as error:
        line = decoded.count("\n", 0, error.position) + 1
        raise _unreadable(file, line, _control_message(error.character)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _unreadable(file, mark.line + 1 if mark else 1, _syntax_message(error)) from error
    except _TooMuch as error:
        raise _unreadable(file, loader.line + 1 if loader else 1, str(error)) from error
    except (ValueError, OverflowError) as error:
        # PyYAML lets chr() and int() speak for themselves: "\UFFFFFFFF", %YAML 9…9
        line = loader.line + 1 if loader else 1
        raise _unreadable(file, line, "holds an escape that is no character; correct it") from error
    finally:
        if loader:
            loader.dispose()
    if node is None:
        raise _unreadable(file, 1, "is empty; describe one pipeline")
    return node


def _decoded(text: str | bytes, most_bytes: int) -> str:
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > most_bytes:
        raise _TooMuch(f"is larger than {most_bytes // 1024} KB; shorten it")
    if isinstance(text, str):
        return text
    no_text = _no_text(text)
    if no_text is not None:
        raise _TooMuch(no_text)
    return text.decode("utf-8")


def _no_text(content: bytes) -> str | None:
    """What it is instead of text in UTF-8, if that can be seen at its beginning."""
    beginning = content[:1024]
    what = next((what for magic, what in _BINARY.items() if beginning.startswith(magic)), None)
    if what is not None:
        return f"is {what}, not YAML; upload the text itself"
    nuls = beginning.count(0)
    # A letter of our alphabet is one NUL in two bytes there, or three in four.
    if beginning.startswith(_WIDE_MARKS) or len(beginning) < 4 * nuls < 4 * len(beginning):
        return "is UTF-16 or UTF-32 text; save the file as UTF-8"
    return "is binary data, not YAML; upload the text itself" if nuls == len(beginning) > 0 else None


def _unreadable(file: str, line: int, message: str) -> PipelineInvalid:
    return PipelineInvalid([Mistake(file, line, "", message)])


def _syntax_message(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "this cannot be read"
    if "another document" in problem:
        return "a second document starts here; keep one pipeline in a file"
    if "'\\t'" in problem:
        return "a tab is used as indentation; indent with spaces"
    if problem.endswith("found ':'"):
        return 'a ":" stands where a value should; inside braces write ":30" in quotes'
    context = f"{error.context}, " if error.context else ""
    return f"is not YAML: {context}{problem}; check indentation, quotes and brackets here"


@dataclass(slots=True)
class Document:
    """The plain values of a node, with the line of each path and what could not be read."""

    file: str
    data: Any = None
    lines: dict[YamlPath, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    # Their value is None in `data`; said once is enough.
    unreadable: set[YamlPath] = field(default_factory=set)

    def line(self, path: YamlPath) -> int:
        """The line of `path`, or of the nearest thing around it that is written."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def mistake(self, path: YamlPath, message: str) -> Mistake:
        """A mistake at `path`."""
        return Mistake(self.file, self.line(path), path_text(path), message)


def read_node(node: yaml.Node, file: str, at: YamlPath = ()) -> Document:
    """The values below `node`, which `compose` made and which stands at the path `at` of its file."""
    document = Document(file)
    builder = _Builder(document)
    try:
        document.data = builder.value(node, at)
    except _TooMuch as error:
        raise _unreadable(file, node.start_mark.line + 1, str(error)) from error
    return document


class _Builder:
    """Builds values and notes lines and mistakes; only a bound that breaks ends it, by `_TooMuch`."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.values = 0
        self.characters = 0

    def value(self, node: yaml.Node, path: YamlPath) -> Any:
        # Aliases are expanded here, so this is where a billion laughs or a cycle is stopped.
        self.values += 1
        if self.values > MOST_VALUES or self.characters > MOST_BYTES:
            raise _TooMuch(
                f"expands to more than {MOST_VALUES} values or {MOST_BYTES // 1024} KB; use fewer aliases"
            )
        if len(path) > DEEPEST:
            raise _TooMuch(f"is nested more than {DEEPEST} deep; flatten it")
        self.document.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, path)
        if node.tag not in (_TAG + "map", _TAG + "seq"):
            return self.unreadable(path, f"has the tag {shown(node.tag)}; remove the tag")
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return {key: self.value(item, (*path, key)) for key, item in self.pairs(node, path)}

    def pairs(self, node: yaml.Node, path: YamlPath) -> Iterator[tuple[str, yaml.Node]]:
        first: dict[str, int] = {}
        for key_node, item in node.value:
            line = key_node.start_mark.line + 1
            key, problem = _key(key_node)
            if not problem and key in first:
                problem = f"is written twice (first on line {first[key]}); keep one"
            if problem:
                where = path_text((*path, key))
                self.document.mistakes.append(Mistake(self.document.file, line, where, problem))
                continue
            first[key] = self.document.lines[*path, key] = line
            self.characters += len(key)
            yield key, item

    def scalar(self, node: yaml.ScalarNode, path: YamlPath) -> Any:
        text = node.value
        self.characters += len(text)
        if node.tag == _TAG + "str":
            found = _CONTROL.search(text)
            return self.unreadable(path, _control_message(ord(found.group()))) if found else text
        form = _FORMS.get(node.tag)
        if form is None or not form.written.match(text):
            return self.unreadable(path, f"has the tag {shown(node.tag)}; remove the tag")
        if len(text) > _LONGEST_NUMBER:
            return self.unreadable(path, "is a number of too many digits; 38 are kept")
        value = form.read(text)
        if isinstance(value, float) and not math.isfinite(value):
            return self.unreadable(path, f"is not a finite number ({shown(text)}); write a number")
        return value

    def unreadable(self, path: YamlPath, message: str) -> None:
        self.document.unreadable.add(path)
        self.document.mistakes.append(self.document.mistake(path, message))


def _key(node: yaml.Node) -> tuple[str, str | None]:
    """The key, or how to show it and why it is none."""
    if not isinstance(node, yaml.ScalarNode):
        return "?", "a key must be text, not a list or a mapping; write a plain word"
    text = str(node.value)
    if text == "<<" and node.style is None:
        return text, "merge keys are not read; repeat the keys, or use an alias for a whole value"
    if node.tag != _TAG + "str":
        return text, f"a key must be text; write {shown(text)} in quotes"
    found = _CONTROL.search(text)
    return text, _control_message(ord(found.group())) if found else None


def _control_message(character: int) -> str:
    return f"holds the control character U+{character:04X}; remove it"
