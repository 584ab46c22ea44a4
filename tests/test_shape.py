"""The shape of the code base: what STYLE asks for, with a machine behind it. Numbers are upper limits, not targets."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
VAGUE = {"utils", "common", "helpers", "misc", "constants", "base", "manager"}
FILE_LINES, TEST_FILE_LINES, FUNCTION_LINES, LOOP_LINES = 250, 300, 40, 75
DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]


def tracked(suffix: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in listed if name.endswith(suffix) and (ROOT / name).exists()]


SOURCES = [path for path in tracked(".py") if "migrations" not in path.parts]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_there_is_something_to_measure() -> None:
    assert len(SOURCES) > 50


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_are_short(path: Path) -> None:
    limit = TEST_FILE_LINES if path.parts[len(ROOT.parts)] == "tests" else FILE_LINES
    lines = len(path.read_text().splitlines())
    assert lines <= limit, f"{name_of(path)} has {lines} lines, at most {limit}"
    allowed = LOOP_LINES if path.name == "loop.py" else FUNCTION_LINES
    long = {f.name: f.end_lineno - f.lineno + 1 for f in functions(path) if f.end_lineno and f.end_lineno - f.lineno + 1 > allowed}
    assert not long, f"{name_of(path)}: functions longer than {allowed} lines: {long}"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_names_say_something(path: Path) -> None:
    assert not VAGUE.intersection((*path.relative_to(ROOT).parts, path.stem)), f"{name_of(path)}: name it by what it does"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_a_document_names_exists(document: str) -> None:
    quoted = re.findall(r"`([\w./-]+/[\w./-]*|[\w-]+\.(?:py|md|toml|yaml|lua))`", (ROOT / document).read_text())
    generated = ("data/", "/", ".venv")
    missing = [path for path in quoted if not path.startswith(generated) and not (ROOT / path).exists() and not elsewhere(path)]
    assert not missing, f"{document} names paths that do not exist: {missing}"


def elsewhere(path: str) -> bool:
    """A bare file name is fine where exactly that file exists somewhere; a media type or a branch/name is no path of ours."""
    return "/" not in path and any(source.name == path for source in (*SOURCES, *tracked(".lua"), *tracked(".md")))


def test_no_tensor_is_unpickled() -> None:
    unpickling = re.compile(r"\bimport pickle\b|torch\.load\(")
    offenders = [name_of(path) for path in SOURCES if unpickling.search(path.read_text()) and path != Path(__file__)]
    assert not offenders
