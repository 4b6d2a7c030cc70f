"""DCMTK's storescu as the sender: real C code finds what a second pynetdicom would forgive."""

import os
import threading
from pathlib import Path

import pytest
from pydicom import dcmread
from tests.peers import program, run_program

from hevesy.foundation.files.store import store
from hevesy.records.archive.models import Instance
from hevesy.records.archive.testing import a_file


@pytest.mark.peer
class TestStorescu:
    @pytest.fixture
    def a_folder(self, tmp_path) -> Path:
        folder = tmp_path / "images"
        folder.mkdir()
        for number in range(60):
            file = a_file(
                SOPInstanceUID=f"2.25.77.{number + 1}", Rows=64, Columns=64, PixelData=bytes(8192)
            )
            (folder / f"{number}.dcm").write_bytes(file)
        return folder

    def test_storescu_sends_a_folder(self, serving, a_folder):
        sent = run_program(
            "storescu", "-aet", "PETCT1", "-aec", "HEVESY", "+sd", "+r",
            "127.0.0.1", serving.port, a_folder,
        )  # fmt: skip

        assert sent.returncode == 0, sent.stderr
        assert Instance.objects.count() == 60
        for path in a_folder.iterdir():
            image = dcmread(path)
            row = Instance.objects.get(sop_instance_uid=image.SOPInstanceUID)
            assert dcmread(store().path(row.path)) == image

    def test_many_storescu_at_once(self, serving, a_folder):
        program("storescu")
        codes = []

        def send() -> None:
            sent = run_program(
                "storescu", "-aet", "PETCT1", "-aec", "HEVESY", "+sd", "+r",
                "127.0.0.1", serving.port, a_folder,
            )  # fmt: skip
            codes.append(sent.returncode)

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert codes == [0] * 4
        assert Instance.objects.count() == 60

    def test_compressed_objects_arrive_as_they_are(self, serving):
        data = Path(os.environ.get("HEVESY_TEST_DATA", "/nonexistent")) / "transfer_syntax"
        if not data.is_dir():
            pytest.skip("HEVESY_TEST_DATA is not set")
        for option, name in (
            ("-xr", "MR_small_RLE.dcm"),
            ("-xt", "MR_small_jpeg_ls_lossless.dcm"),
            ("-xv", "MR_small_jp2klossless.dcm"),
            ("-xd", "image_dfl.dcm"),
            ("-xb", "MR_small_bigendian.dcm"),
        ):
            sent = run_program(
                "storescu", option, "-aet", "PETCT1", "-aec", "HEVESY", "+sd",
                "127.0.0.1", serving.port, data / name,
            )  # fmt: skip
            original = dcmread(data / name)
            row = Instance.objects.filter(sop_instance_uid=original.SOPInstanceUID).first()
            assert row is not None, (name, sent.stderr)
            assert row.transfer_syntax_uid == original.file_meta.TransferSyntaxUID
            assert dcmread(store().path(row.path)).PixelData == original.PixelData
            row.series.study.delete()
