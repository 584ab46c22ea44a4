import hashlib
import tempfile
from pathlib import Path

import pytest
from groundup.documents import Document, check, find_documents
from groundup.parts import Part, cut
from groundup.problems import LocalProblem
from hypothesis import given, settings
from hypothesis import strategies as st

TEXT = st.text(alphabet=st.sampled_from("aé€😀\n"), min_size=1, max_size=30).map(str.encode)


def cut_texts(texts: list[bytes], limit: int) -> tuple[list[Part], list[bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        documents = []
        for index, text in enumerate(texts):
            source = Path(folder) / str(index)
            source.write_bytes(text)
            documents.append(Document(str(index), source, len(text)))
        parts = cut(documents, limit)
        return parts, [part.read() for part in parts]


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=6), limit=st.integers(4, 40))
def test_parts_joined_are_the_documents_joined(texts: list[bytes], limit: int) -> None:
    parts, contents = cut_texts(texts, limit)
    assert b"".join(contents) == b"".join(texts)
    for part, content in zip(parts, contents, strict=True):
        assert 0 < len(content) == part.size <= limit
        assert content.decode().encode() == content
        assert hashlib.sha256(content).hexdigest() == part.sha256


def test_a_part_ends_between_documents_where_it_can() -> None:
    _parts, contents = cut_texts([b"aaaa", b"bbb", b"cccc", b"d" * 12], 10)
    assert contents == [b"aaaabbb", b"cccc", b"d" * 10, b"dd"]


def test_a_changed_file_is_not_sent_as_what_it_was(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("before")
    [part] = cut([Document("a.txt", source, 6)])
    source.write_text("after!")
    with pytest.raises(LocalProblem, match=r"changed while it was pushed.*a\.txt"):
        part.read()


def test_documents_of_a_folder_are_sorted_and_hidden_files_left_out(tmp_path: Path) -> None:
    for name in ("b.txt", "sub/a.txt", ".git/x", "a.txt", "sub/__pycache__/y"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [document.path for document in find_documents([str(tmp_path)])] == ["a.txt", "b.txt", "sub/a.txt"]
    assert [document.path for document in find_documents([f"{tmp_path}/**/a*.txt"])] == ["a.txt", "sub/a.txt"]
    both = find_documents([str(tmp_path / "sub"), str(tmp_path / "a.txt")])
    assert [document.path for document in both] == ["a.txt", "sub/a.txt"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text(folder)
    with pytest.raises(LocalProblem, match=r"would both be 'a\.txt'"):
        find_documents([f"{tmp_path}/x/a.txt", f"{tmp_path}/y/a.txt"])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"ab\xff", "not UTF-8 (byte 0xff at offset 2)"),
        (b"ab\xe2\x82", "not UTF-8 (byte 0xe2 at offset 2)"),
        (b"a" * ((1 << 20) - 1) + b"\xe2\x82A", f"not UTF-8 (byte 0xe2 at offset {(1 << 20) - 1})"),
    ],
)
def test_bad_files_are_told_with_their_reason(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "good").write_text("€")
    (tmp_path / "bad").write_bytes(content)
    good, bad = check(find_documents([str(tmp_path)]))
    assert [document.path for document in good] == ["good"]
    assert [(file.source.name, file.why) for file in bad] == [("bad", why)]


@pytest.mark.parametrize("path", ["nothing.txt", "*.nothing"])
def test_a_path_that_is_not_there(tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LocalProblem, match="no "):
        find_documents([path])
