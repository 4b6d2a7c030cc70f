import io
import os
import time
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.files.actions import store_file
from hevesy.foundation.files.store import store
from hevesy.records.archive import importing
from hevesy.records.archive.fsck import check
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import Instance, PreparedVolume, Refusal, Study
from hevesy.records.archive.testing import a_data_set, a_file

pytestmark = pytest.mark.django_db

BY = system_actor("a test", "archive.store")


def run(name: str, *arguments: str) -> tuple[str, bool]:
    """What a command printed, and whether it succeeded."""
    out = io.StringIO()
    try:
        call_command(name, *arguments, stdout=out, stderr=out)
    except CommandError as error:
        return f"{out.getvalue()}\n{error}", False
    return out.getvalue(), True


def made_old(key: str) -> str:
    yesterday = time.time() - 25 * 3600
    os.utime(store().path(key), (yesterday, yesterday))
    return key


def kinds(**options) -> list[str]:
    return sorted(finding.kind for finding in check(by=BY, **options))


class TestFsck:
    def test_a_store_in_order(self):
        receive(a_file(), by=BY)

        said, ok = run("fsck", "--full")

        assert ok
        assert "everything is in its place" in said

    def test_a_lost_object(self):
        receive(a_file(), by=BY)
        store().delete(Instance.objects.get().path)

        said, ok = run("fsck")

        assert not ok
        assert "lost:" in said

    def test_a_short_object(self):
        receive(a_file(), by=BY)
        path = store().path(Instance.objects.get().path)
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-10])

        assert kinds() == ["short"]

    def test_one_flipped_bit_is_found_by_reading_everything(self):
        receive(a_file(), by=BY)
        path = store().path(Instance.objects.get().path)
        path.chmod(0o600)
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)

        assert kinds() == []
        assert kinds(full=True) == ["changed"]

    def test_a_young_orphan_is_listed_and_left_alone(self):
        key = store().put_bytes(b"somebody is about to write its row")

        assert kinds(repair=True) == ["orphan"]
        assert store().exists(key)

    def test_an_old_orphan_is_removed_only_when_asked(self):
        key = made_old(store().put_bytes(b"left by a crash"))

        assert kinds() == ["orphan"]
        assert kinds(repair=True) == ["removed"]
        assert not store().exists(key)

    def test_an_old_orphan_of_ours_is_adopted(self):
        receive(a_file(SOPInstanceUID="1.2.3"), by=BY)
        key = made_old(Instance.objects.get().path)
        Study.objects.all().delete()

        assert kinds(repair=True) == ["adopted"]
        assert Instance.objects.get().path == key
        assert kinds(full=True) == []

    def test_an_orphan_with_other_content_under_a_known_uid_is_kept_aside(self):
        dataset = a_data_set(SOPInstanceUID="1.2.3")
        receive(a_file(dataset), by=BY)
        made_old(Instance.objects.get().path)
        Study.objects.all().delete()
        dataset.PixelData = bytes(128)
        receive(a_file(dataset), by=BY)

        assert kinds(repair=True) == ["adopted"]
        assert Refusal.objects.get().kind == "conflict"
        assert kinds(full=True) == []

    def test_what_others_keep_is_no_orphan(self):
        store_file(b"a photo", name="a.png", media_type="image/png", kind="exam.photo", by=BY)
        receive(a_file(), by=BY)
        receive(b"refused bytes", by=BY)
        body, picture = store().put_bytes(b"a volume"), store().put_bytes(b"a picture")
        PreparedVolume.objects.create(
            series=Instance.objects.get().series,
            header={"stored": {"full/0": body}, "thumbnail": picture},
        )

        assert kinds(full=True) == []


class TestImport:
    @pytest.fixture
    def a_disc(self, tmp_path) -> Path:
        """A folder as a CD has it: two images, an index, a program, a link out of it."""
        disc = tmp_path / "disc"
        (disc / "IMAGES" / "深").mkdir(parents=True)
        (disc / "IMAGES" / "IM1").write_bytes(a_file(SOPInstanceUID="1.2.1"))
        (disc / "IMAGES" / "深" / "IM2.dcm").write_bytes(a_file(SOPInstanceUID="1.2.2"))
        (disc / "DICOMDIR").write_bytes(a_file(SOPClassUID="1.2.840.10008.1.3.10"))
        (disc / "VIEWER.EXE").write_bytes(b"MZ" + bytes(5000))
        secret = tmp_path / "secret.dcm"
        secret.write_bytes(a_file(SOPInstanceUID="1.2.66"))
        (disc / "LINK").symlink_to(secret)
        return disc

    def test_a_folder(self, a_disc):
        said, ok = run("import", str(a_disc))

        assert ok
        assert "2 stored" in said
        assert "2 other files skipped" in said
        assert sorted(one.sop_instance_uid for one in Instance.objects.all()) == ["1.2.1", "1.2.2"]
        assert Study.objects.get().instance_count == 2
        assert Study.objects.get().stable_at

    def test_twice_changes_nothing(self, a_disc):
        run("import", str(a_disc))

        said, ok = run("import", str(a_disc))

        assert ok
        assert "0 stored, 2 there already" in said

    def test_a_zip_with_evil_names(self, tmp_path):
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("../../../../tmp/hevesy-evil", a_file(SOPInstanceUID="1.2.1"))
            archive.writestr("/etc/hevesy-evil", a_file(SOPInstanceUID="1.2.2"))
            archive.writestr("readme.txt", "hello")

        said, ok = run("import", str(path))

        assert ok
        assert "2 stored" in said
        assert not Path("/tmp/hevesy-evil").exists()
        assert not Path("/etc/hevesy-evil").exists()
        assert not list((store().root / "tmp").iterdir())

    def test_a_zip_bomb(self, tmp_path, monkeypatch):
        monkeypatch.setattr(importing, "_CHUNK", 4096)
        path = tmp_path / "bomb.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("bomb.dcm", a_file() + bytes(64 * 1024 * 1024))

        said, ok = run("import", str(path))

        assert not ok
        assert "inflates to more than is sane" in said
        assert not list((store().root / "tmp").iterdir())

    @pytest.mark.parametrize("content", [b"PK\3\4 broken", b"just text"])
    def test_what_holds_no_object_fails(self, tmp_path, content):
        path = tmp_path / "thing"
        path.write_bytes(content)

        assert not run("import", str(path))[1]

    def test_a_path_that_is_not_there(self, tmp_path):
        said, ok = run("import", str(tmp_path / "nowhere"))

        assert not ok
        assert "nowhere" in said

    def test_a_broken_object_is_reported_and_the_others_come_in(self, a_disc):
        (a_disc / "BROKEN").write_bytes(a_file(SOPInstanceUID="1.2.9")[:-40])

        said, ok = run("import", str(a_disc))

        assert not ok
        assert "2 stored" in said
        assert "1 refused" in said
        assert "BROKEN" in said
