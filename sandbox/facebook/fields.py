"""The Graph API's field selection: ``fields=a,b{c,d},edge.limit(5).summary(true){x}``."""

from dataclasses import dataclass, field

from sandbox.facebook.answers import refused

NAME = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


@dataclass
class Field:
    """One field asked for, with its modifiers (``limit(0)``) and the fields wanted below it."""

    name: str
    modifiers: dict[str, str] = field(default_factory=dict)
    below: "list[Field]" = field(default_factory=list)

    @property
    def shown_as(self) -> str:
        return self.modifiers.get("as", self.name)


def parse_fields(text: str) -> list[Field]:
    """The fields of a selection, in order. Refuses what cannot be parsed with code 2500."""
    found, position = read_list(text, 0)
    if position != len(text):
        raise broken(text, position)
    return found


def broken(text: str, position: int) -> Exception:
    at = text[position : position + 1] or "end of string"
    return refused(
        2500, f'Syntax error "Expected end of string instead of \\"{at}\\"." at character {position}: {text}'
    )


def read_list(text: str, position: int) -> tuple[list[Field], int]:
    found: list[Field] = []
    while position < len(text) and text[position] != "}":
        start = position
        while position < len(text) and text[position] in NAME:
            position += 1
        if position == start:
            raise broken(text, position)
        one = Field(text[start:position])
        while position < len(text) and text[position] == ".":
            end = text.find(")", position)
            name, _, value = text[position + 1 : end].partition("(")
            if end < 0 or not name:
                raise broken(text, position)
            one.modifiers[name] = value
            position = end + 1
        if position < len(text) and text[position] == "{":
            one.below, position = read_list(text, position + 1)
            if position >= len(text) or text[position] != "}":
                raise broken(text, position)
            position += 1
        found.append(one)
        if position < len(text) and text[position] == ",":
            position += 1
        elif position < len(text) and text[position] != "}":
            raise broken(text, position)
    return found, position
