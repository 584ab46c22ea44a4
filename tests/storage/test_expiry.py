"""Uploads that nobody completes."""

from sqlalchemy import func, select, update

from services.storage.expiry import drop_idle_uploads
from services.storage.models import File, Part, Upload, UploadPart
from tests.storage.conftest import Storage
from tests.storage.pushing import begin, fill, push, upload_body

FILES = {"a.txt": b"half made", "b.txt": b"and left"}
DAY = 86400.0


def make_old(storage: Storage, column: object) -> None:
    with storage.stores.database.writing() as session:
        session.execute(update(column.class_).values({column: column - 2 * DAY}))  # type: ignore[attr-defined,operator]


def counts(storage: Storage) -> tuple[int | None, ...]:
    with storage.stores.database.reading() as session:
        return tuple(session.scalar(select(func.count()).select_from(table)) for table in (Upload, File, UploadPart, Part))


def test_an_open_upload_is_dropped_after_a_day_and_its_parts_are_known_still(storage: Storage) -> None:
    push(storage, "other", {"c.txt": "complete"})
    body, parts = upload_body("novels", FILES, cuts=(9,))
    upload = begin(storage, body)
    fill(storage, {**upload, "missing": upload["missing"][:1]}, parts)
    assert drop_idle_uploads(storage.stores, DAY) == 0
    make_old(storage, Upload.created_at)
    assert drop_idle_uploads(storage.stores, DAY) == 0, "it got a part today"
    make_old(storage, Part.verified_at)
    assert drop_idle_uploads(storage.stores, DAY) == 1
    assert counts(storage) == (1, 1, 1, 3)
    status, problem = storage.post(f"/api/v1/uploads/{upload['id']}/complete", None)
    assert (status, problem["code"]) == (404, "not-found")
    assert [part["sha256"] for part in begin(storage, body)["missing"]] == list(parts)[1:]


def test_complete_uploads_stay(storage: Storage) -> None:
    push(storage)
    push(storage)
    make_old(storage, Upload.created_at)
    make_old(storage, Part.verified_at)
    assert drop_idle_uploads(storage.stores, DAY) == 0
    assert counts(storage)[0] == 2
