"""YAML that a person writes, checked by a model; every complaint says file, line and column."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ingest.core.errors import Problem, one_line

Where = tuple[str | int, ...]
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"unknown time zone '{name}'") from None
    return name


def _clock(text: str) -> str:
    if not re.search(CLOCK, text):
        raise ValueError(f"'{text}' is no time HH:MM")
    return text


Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
TimeZone = Annotated[Text, AfterValidator(_zone)]
Clock = Annotated[str, AfterValidator(_clock), Field(json_schema_extra={"pattern": CLOCK})]


class Written(BaseModel):
    """Anything that a person writes: unknown words are refused, types are not bent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Document(Generic[M]):
    """A checked file with its syntax tree, for complaints that only show between its values."""

    path: Path
    node: yaml.Node
    content: M

    def problem(self, where: Where, reason: str) -> Problem:
        """A complaint about one place, given as keys and list numbers from the top."""
        return Problem(f"{self.path}:{_mark(self.node, where)}: {reason}")


def read_document(path: Path, model: type[M], kind: str) -> Document[M]:
    """Read and check one file of a kind, such as "rule book".

    Problem `file:line:column: reason` for the first mistake, or if there is no such file.
    """
    if not path.is_file():
        raise Problem(f"{kind} {path} is missing")
    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        if node is None:
            raise Problem(f"{path}:1:1: the file is empty")
        for key in _repeated_keys(node):
            raise Problem(f"{path}:{_told(key.start_mark)}: '{key.value}' is written twice")
        document = loader.construct_document(node)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or error
        place = _told(mark) if mark else "1:1"
        raise Problem(f"{path}:{place}: not valid YAML: {one_line(reason)}") from error
    try:
        return Document(path, node, model.model_validate(document))
    except ValidationError as error:
        raise _first_mistake(path, node, error) from None


def _first_mistake(path: Path, node: yaml.Node, error: ValidationError) -> Problem:
    """The mistake highest up in the file; what is missing last, it often is only misspelt."""
    mistakes = error.errors(include_url=False)
    first = min(mistakes, key=lambda e: (e["type"] == "missing", _place(node, e["loc"])))
    reason = re.sub(r"^(Value error, |Input )", "", first["msg"])
    if first["type"] == "extra_forbidden":
        reason = "is unknown here"
    more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
    name = _named(node, first["loc"])
    return Problem(f"{path}:{_mark(node, first['loc'])}: {name}: {reason}{more}")


def _repeated_keys(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Keys that a mapping holds twice; YAML itself would keep the last one and say nothing."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                yield key
            seen.add(getattr(key, "value", None))
            yield from _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated_keys(value)


def _named(node: yaml.Node, where: Where) -> str:
    """A place in words: an entry of a list by its `name` if it has one, else by its number."""
    words: list[str] = []
    for step in where:
        child = _child(node, step)
        name = _child(child[1], "name") if child and isinstance(step, int) else None
        is_text = name is not None and isinstance(name[1], yaml.ScalarNode)
        words.append(name[1].value if name and is_text else str(step))
        node = child[1] if child else node
    return ".".join(words)


def _mark(node: yaml.Node, where: Where) -> str:
    line, column = _place(node, where)
    return f"{line}:{column}"


def _told(mark: Any) -> str:
    return f"{mark.line + 1}:{mark.column + 1}"


def _place(node: yaml.Node, where: Where) -> tuple[int, int]:
    """Line and column (from 1) of a place, or of the nearest place above it that is written.

    A step that is not written is passed over: it is missing, or it names one of several models.
    """
    mark = node.start_mark
    for step in where:
        child = _child(node, step)
        if child is not None:
            mark, node = child[0].start_mark, child[1]
    return mark.line + 1, mark.column + 1


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """What says where a step is, and what is there; None if it is not written."""
    if isinstance(node, yaml.MappingNode):
        return next((pair for pair in node.value if pair[0].value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return node.value[step], node.value[step]
    return None
