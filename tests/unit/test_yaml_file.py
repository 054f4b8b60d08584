"""What users write in YAML is read as it stands there, or refused with the line and the reason."""

from __future__ import annotations

import os
import pickle
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import SetupError
from streams.files.yaml_file import MAX_BYTES, MAX_DEPTH, YamlError, decoded, read_document, read_text


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"), ("off", "off"), ("Yes", "Yes"), ("y", "y"), ("12:30", "12:30"), ("010", "010"), ("0o17", "0o17"),
        ("0x1f", "0x1f"), ("1_000", "1_000"), ("0,92", "0,92"), ("2026-01-05", "2026-01-05"), (".inf", ".inf"),
        (".nan", ".nan"), ("1e999", "1e999"), ("+5", "+5"), ("=", "="), ("1.5.2", "1.5.2"),
        ("9" * 100, "9" * 100),
        ("12", 12), ("-3", -3), ("0", 0), ("0.5", 0.5), (".5", 0.5), ("1e3", 1000.0), ("2.5E-1", 0.25),
        ("true", True), ("False", False), ("null", None), ("~", None),
        ("'12'", "12"), ('"true"', "true"), ('""', ""), ("|\n  no\n", "no\n"),
    ],
)  # fmt: skip
def test_a_value_is_what_json_would_read_and_else_the_text_that_stands_there(written: str, value: object) -> None:
    found = read_document(f"key: {written}\n").value["key"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("key", ["7", "no", "12:30", "2026-01-05", "1.5", "NO", "true", "null"])
def test_a_key_is_the_text_that_stands_there(key: str) -> None:
    assert read_document(f"{key}: 1").value == {key: 1}


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "the file is empty"),
        ("# a comment\n", 1, "the file is empty"),
        ("a: 1\nb: 2\na: 3\n", 3, "a stands here a second time, first in line 1"),
        ("a:\n  b: 1\n  b: 1\n", 3, "b stands here a second time, first in line 2"),
        ("{a: 1, a: 2}", 1, "a stands here a second time"),
        ("a: 1\n'a': 2\n", 2, "a stands here a second time"),
        ("rates: {EUR: 1.0, USD: 0,92}", 1, "92 has no value: write one, or leave the key out (if it is the part of"),
        ("a: 1\nb:\n", 2, "b has no value"),
        ("a:\n  - 1\n  -\n", 3, "an entry of the list is empty"),
        ("a: &x 1\nb: *x\n", 1, "&x: anchors and aliases are not read"),
        ("b: *x\n", 1, "*x: anchors and aliases are not read"),
        ("a: 1\n<<: {b: 2}\n", 2, "<<: merge keys are not read"),
        ("a: !!python/name:os.system x\n", 1, "tags are not read"),
        ("a: 1\n---\nb: 2\n", 2, "a second document begins here"),
        ("%YAML 1.1\n---\na: 1\n", 1, "directives"),
        ("a:\n\tb: 1\n", 2, "YAML wants spaces"),
        ("a: b: c\n", 1, "a second `: ` in the line"),
        ("a: 1\nb: \x1b[31m\n", 2, "the control character '\\x1b'"),
        ('a: "\\ud800"\n', 1, "are no characters"),
        ("? [1]\n: 2\n", 1, "cannot be a key"),
        ("a: [1\n", 2, "not YAML: while parsing a flow sequence begun in line 1, expected"),
        ("[" * 200_000, 1, f"more than {MAX_DEPTH}"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(YamlError) as caught:
        read_document(text)
    assert caught.value.line == line
    assert reason in caught.value.reason


def test_text_below_some_keys_and_values_named_before_are_read_where_a_file_asks_for_them() -> None:
    text = "a: &x {b: [007, null, no, 1.0], c: 1.0}\nd: *x\n"
    document = read_document(text, as_written=frozenset({"b"}), may_alias=True)
    assert document.value["a"] == {"b": ["007", "null", "no", "1.0"], "c": 1.0}
    assert document.value["d"] is document.value["a"]


@pytest.mark.parametrize("text", ["a: *x\n", "a: &x [*x]\n"])
def test_an_alias_of_nothing_read_before_is_refused(text: str) -> None:
    with pytest.raises(YamlError, match="no &x ends before it"):
        read_document(text, may_alias=True)


def test_aliases_that_would_grow_beyond_memory_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    begun = perf_counter()
    with pytest.raises(YamlError, match="anchors and aliases"):
        read_document("\n".join(lines))
    assert perf_counter() - begun < 1


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("source: caf\u00e9".encode("latin-1"), 1, "the byte 0xe9 is not UTF-8"),
        ("a: 1\nb: \u20ac\n".encode("cp1252"), 2, "the byte 0x80 is not UTF-8"),
        ("a: 1".encode("utf-16"), 1, "the file is UTF-16"),
        ("a: 1".encode("utf-32"), 1, "the file is UTF-32"),
    ],
)
def test_bytes_of_another_encoding_are_named(content: bytes, line: int, reason: str) -> None:
    with pytest.raises(YamlError) as caught:
        decoded(content)
    assert caught.value.line == line
    assert reason in caught.value.reason


def test_a_byte_order_mark_and_foreign_line_ends_are_taken() -> None:
    assert read_document(decoded("\ufeffa: 1\r\nb: ä\r\n".encode())).value == {"a": 1, "b": "ä"}


def test_every_part_knows_its_line() -> None:
    document = read_document("a: 1\nb:\n  - c: 2\n  -\n    d: [3,\n        4]\n")
    assert document.line_of(("a",)) == 1
    assert document.line_of(("b", 0, "c")) == 3
    assert document.line_of(("b", 1, "d", 1)) == 6
    assert document.line_of(("b", 1, "missing")) == 5
    assert document.line_of(("missing",)) == 1


def test_files_that_are_none_are_refused_without_waiting(tmp_path: Path) -> None:
    pipe, large = tmp_path / "pipe", tmp_path / "large"
    os.mkfifo(pipe)
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    for path, value in (
        (tmp_path, "is a folder"), (pipe, "is a pipe or a device"), (Path("/dev/null"), "is a pipe or a device"),
        (tmp_path / "missing", "No such file"), (large, "bytes"), (tmp_path / "missing" / "x", "No such file"),
    ):  # fmt: skip
        with pytest.raises(SetupError) as caught:
            read_text(path, "catalogue")
        assert caught.value.thing == "catalogue"
        assert value in caught.value.value
        assert str(path) in caught.value.value


def test_the_error_survives_pickle() -> None:
    error = pickle.loads(pickle.dumps(YamlError(3, "why")))  # noqa: S301 - our own bytes
    assert (error.line, error.reason, str(error)) == (3, "why", "line 3: why")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffe\uffff"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab1.:-no~ ", min_size=1), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_what_a_program_writes_without_anchors_is_read_back(value: Any) -> None:
    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the library's signature
            return True

    assert read_document(yaml.dump({"k": value}, Dumper=Plain, allow_unicode=True)).value == {"k": value}


@given(st.text() | st.lists(st.sampled_from(list("ab:,-[]{}&*!|>'\"%@`#?<~ \n\t0.")), max_size=30).map("".join))
def test_no_text_ends_in_another_error(text: str) -> None:
    with suppress(YamlError):
        read_document(text)
