"""Specs as text: what they mean, that writing and reading agree, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, create_model

from mtlbench.config.grammar import parse
from mtlbench.config.parameters import public_fields, spec_text, value_from_text
from mtlbench.errors import UsageError


def texts(spec: str) -> list[tuple[str, dict[str, list[str]]]]:
    return [
        (name, {key: [value.text for value in values] for key, values in params.items()})
        for name, params in parse(spec)
    ]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("rmtl", [("rmtl", {})]),
        ("rmtl[]", [("rmtl", {})]),
        (" a , b ", [("a", {}), ("b", {})]),
        ("rmtl[lambda=0.5|0.7,gamma=0.9]", [("rmtl", {"lambda": ["0.5", "0.7"], "gamma": ["0.9"]})]),
        ("a[x=1,y=2],b[z=3]", [("a", {"x": ["1"], "y": ["2"]}), ("b", {"z": ["3"]})]),
        ("a[ x = 1 | 2 ]", [("a", {"x": ["1", "2"]})]),
        ("table[schema='a,b].toml']", [("table", {"schema": ["a,b].toml"]})]),
        ('table[schema="it\'s=|.toml"|b]', [("table", {"schema": ["it's=|.toml", "b"]})]),
        ("table[schema=C:\\data\\a.toml]", [("table", {"schema": ["C:\\data\\a.toml"]})]),
        ("table[schema=a=b]", [("table", {"schema": ["a=b"]})]),
    ],
)
def test_meaning(text: str, meaning: object) -> None:
    assert texts(text) == meaning


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rmtl[lambda=1", "unbalanced bracket"),
        ("rmtl]lambda=1[", "unbalanced bracket"),
        ("rmtl[a=[1]]", "unbalanced bracket"),
        ("table[schema=my[1].toml]", "quote it"),
        ("my[1].toml", "quote it"),
        ("rmtl[a=1]b", "unexpected text after the bracket"),
        ("rmtl[a=1]b[c=2]", "unexpected text after the bracket"),
        ("rmtl[lambda]", "not PARAMETER=VALUE"),
        ("rmtl[=1]", "not PARAMETER=VALUE"),
        ("rmtl[a=1,]", "not PARAMETER=VALUE"),
        ("ple[bottom=512,256]", "bottom=512-256"),
        ("rmtl[lambda=]", "empty value"),
        ("rmtl[lambda=1||2]", "empty value"),
        ("rmtl[a=1,a=2]", "'a' stands twice"),
        ("rmtl[a='x]", "not closed"),
        ("", "a name is missing"),
        ("a,,b", "a name is missing"),
        ("[a=1]", "a name is missing"),
    ],
)
def test_refusals(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        parse(text)


class Everything(BaseModel):
    whole: int = 0
    number: float = 0.0
    flag: bool = False
    text: str = ""
    maybe: str | None = None
    wholes: tuple[int, ...] = ()
    numbers: tuple[float, ...] = ()


TEXT = st.text(st.characters(codec="utf-8", exclude_characters='"', exclude_categories=("Cc", "Cs")))
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.builds(
        Everything,
        whole=st.integers(),
        number=FINITE,
        flag=st.booleans(),
        text=TEXT,
        maybe=st.none() | TEXT,
        wholes=st.lists(st.integers()).map(tuple),
        numbers=st.lists(FINITE).map(tuple),
    )
)
def test_a_spec_written_is_read_as_it_was(model: Everything) -> None:
    params = model.model_dump(mode="json")
    [(name, values)] = parse(spec_text("plugin", params))
    fields = public_fields(Everything)
    assert all(len(value) == 1 for value in values.values())
    read = {key: value_from_text(fields[key], value) for key, [value] in values.items()}
    assert name == "plugin"
    assert Everything.model_validate(read) == model


@pytest.mark.parametrize(
    ("annotation", "text", "expected"),
    [
        (tuple[int, ...], "512-256", ("512", "256")),
        (tuple[float, ...], "1e-3--2.5E-4-.5", ("1e-3", "-2.5E-4", ".5")),
        (tuple[float, ...], "()", ()),
        (tuple[int, ...] | None, "none", None),
        (int | None, "None", None),
        (str, "none", "none"),
        (str, "user-day", "user-day"),
        (float, "1e-3", "1e-3"),
    ],
)
def test_values_by_type(annotation: type, text: str, expected: object) -> None:
    field = public_fields(create_model("Model", x=(annotation, ...)))["x"]
    [(_, values)] = parse(f"a[x={text}]")
    assert value_from_text(field, values["x"][0]) == expected
