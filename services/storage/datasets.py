"""Datasets, their versions, and what is in a version."""

from typing import Annotated, Any

from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.storage.content import files_from, parts_of, read_for_show
from services.storage.models import Dataset, DatasetVersion, File
from services.storage.resolve import parse_reference
from services.storage.stores import stores
from services.storage.versions import DatasetVersionView, find_version
from serving.paging import PageQuery
from serving.times import iso
from shared.errors import NotFound
from shared.spec import Name

datasets = APIBlueprint("datasets", __name__, url_prefix="/api/v1/datasets")
SHOWN_CHARACTERS = 2000
Number = Annotated[int, Field(ge=1, le=999_999_999)]


class DatasetPath(BaseModel):
    name: Name


class VersionPath(DatasetPath):
    n: Number


class DatasetView(BaseModel):
    name: str
    versions: int
    latest: DatasetVersionView
    created_at: str


class FileView(BaseModel):
    path: str
    bytes: int


class DocumentView(FileView):
    """`text` is cut at 2,000 characters."""

    index: int
    text: str


class DatasetList(BaseModel):
    items: list[DatasetView]
    next_cursor: str | None


class VersionList(BaseModel):
    items: list[DatasetVersionView]
    next_cursor: str | None


class FileList(BaseModel):
    items: list[FileView]
    next_cursor: str | None


class DocumentList(BaseModel):
    items: list[DocumentView]
    next_cursor: str | None


class DocumentPage(PageQuery):
    limit: int = Field(20, ge=1, le=200)


@datasets.get("", responses={200: DatasetList})
def list_datasets(query: PageQuery) -> Any:
    """Datasets by name, each with its newest version."""
    by_name = select(Dataset).order_by(Dataset.name).limit(query.limit + 1)
    if query.cursor is not None:
        by_name = by_name.where(Dataset.name > parse_reference("cursor", query.cursor)[0])
    with stores().database.reading() as session:
        rows = list(session.scalars(by_name))
        items = [_with_versions(session, row) for row in rows[: query.limit]]
    return DatasetList(items=items, next_cursor=items[-1].name if len(rows) > query.limit else None).model_dump()


@datasets.get("/<name>/versions", responses={200: VersionList})
def list_versions(path: DatasetPath, query: PageQuery) -> Any:
    """Versions of a dataset, the newest first."""
    of_dataset = select(DatasetVersion).where(DatasetVersion.dataset == path.name)
    if before := query.position:
        of_dataset = of_dataset.where(DatasetVersion.version < before)
    with stores().database.reading() as session:
        if session.get(Dataset, path.name) is None:
            raise NotFound(f"there is no dataset '{path.name}'", remedy="GET /api/v1/datasets lists them")
        rows = list(session.scalars(of_dataset.order_by(DatasetVersion.version.desc()).limit(query.limit + 1)))
    items = [DatasetVersionView.of(row) for row in rows[: query.limit]]
    return VersionList(items=items, next_cursor=str(items[-1].version) if len(rows) > query.limit else None).model_dump()


@datasets.get("/<name>/versions/<n>", responses={200: DatasetVersionView})
def show_version(path: VersionPath) -> Any:
    """One version of a dataset."""
    with stores().database.reading() as session:
        return DatasetVersionView.of(_version(session, path)).model_dump()


@datasets.get("/<name>/versions/<n>/files", responses={200: FileList})
def list_files(path: VersionPath, query: PageQuery) -> Any:
    """The files of a version, in order."""
    with stores().database.reading() as session:
        rows, cursor = _files(session, _version(session, path), query)
    return FileList(items=[FileView(path=row.path, bytes=row.bytes) for row in rows], next_cursor=cursor).model_dump()


@datasets.get("/<name>/versions/<n>/documents", responses={200: DocumentList})
def list_documents(path: VersionPath, query: DocumentPage) -> Any:
    """The documents of a version, one per file, with the beginning of their text.

    For showing: the text is not compared with its SHA-256 here, as it is before anything is trained on it.
    """
    with stores().database.reading() as session:
        version = _version(session, path)
        rows, cursor = _files(session, version, query)
        items = [_document(session, version, row) for row in rows]
    return DocumentList(items=items, next_cursor=cursor).model_dump()


def _with_versions(session: Session, dataset: Dataset) -> DatasetView:
    """Versions are numbered without holes, so the newest number is their count."""
    of_dataset = select(DatasetVersion).where(DatasetVersion.dataset == dataset.name)
    newest = session.scalars(of_dataset.order_by(DatasetVersion.version.desc()).limit(1)).one()
    return DatasetView(name=dataset.name, versions=newest.version, latest=DatasetVersionView.of(newest), created_at=iso(dataset.created_at))


def _version(session: Session, path: VersionPath) -> DatasetVersion:
    version = find_version(session, path.name, path.n)
    if version is None:
        raise NotFound(f"there is no version {path.n} of a dataset '{path.name}'", remedy="GET /api/v1/datasets lists what there is")
    return version


def _files(session: Session, version: DatasetVersion, query: PageQuery) -> tuple[list[File], str | None]:
    first = query.position
    rows = files_from(session, version, first, query.limit + 1)
    return rows[: query.limit], str(first + query.limit) if len(rows) > query.limit else None


def _document(session: Session, version: DatasetVersion, file: File) -> DocumentView:
    """A character has at most four bytes; one that the cut tears apart is left out."""
    end = file.offset + min(file.bytes, 4 * SHOWN_CHARACTERS)
    data = read_for_show(stores(), parts_of(session, version, file.offset, end), file.offset, end)
    text = data.decode(errors="ignore")[:SHOWN_CHARACTERS]
    return DocumentView(index=file.position, path=file.path, bytes=file.bytes, text=text)
