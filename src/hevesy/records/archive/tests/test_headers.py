import os
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    NuclearMedicineImageStorage,
    PositronEmissionTomographyImageStorage,
)

from hevesy.records.archive.characters import decode
from hevesy.records.archive.headers import dose_mbq, read_header
from hevesy.records.archive.part10 import locate_data_set
from hevesy.records.archive.testing import a_file

DATA = Path(os.environ.get("HEVESY_TEST_DATA", "/nonexistent"))
needs_data = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason="HEVESY_TEST_DATA is not set"),
]


def header_of(file: bytes):
    place = locate_data_set(file)
    return read_header(file, place.transfer_syntax_uid, place.offset)


@pytest.mark.clause("1.8")
def test_the_dose_is_becquerels_in_pet_and_megabecquerels_in_nm():
    enhanced_pet = "1.2.840.10008.5.1.4.1.1.130"

    assert dose_mbq(370e6, PositronEmissionTomographyImageStorage) == (370, "Bq", True)
    assert dose_mbq(740, NuclearMedicineImageStorage) == (740, "MBq", True)
    assert dose_mbq(370, enhanced_pet) == (370, "MBq", True)


def test_a_dose_in_the_wrong_unit_is_recognised_and_marked():
    assert dose_mbq(370, PositronEmissionTomographyImageStorage) == (370, "MBq", False)
    assert dose_mbq(740e6, NuclearMedicineImageStorage) == (740, "Bq", False)


@pytest.mark.clause("1.8")
def test_drug_and_corrections_are_kept_for_searching():
    drug = Dataset()
    drug.Radiopharmaceutical = "Fluorodeoxyglucose"
    drug.RadiopharmaceuticalStartTime = "091500"
    drug.RadionuclideTotalDose = "370000000"
    drug.RadionuclideHalfLife = "6586.2"
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "C-111A1", "SRT"
    code.CodeMeaning = "^18^Fluorine"
    drug.RadionuclideCodeSequence = [code]

    facts = header_of(
        a_file(
            RadiopharmaceuticalInformationSequence=[drug],
            AttenuationCorrectionMethod="measured,AC_CT_Body",
            ScatterCorrectionMethod="Model-based",
            ReconstructionMethod="PSF+TOF 4i5s",
            DecayCorrection="START",
            CorrectedImage=["DECY", "ATTN", "SCAT"],
            ManufacturerModelName="Biograph64_Vision 600",
        )
    ).facts

    assert facts["radiopharmaceutical"] == "Fluorodeoxyglucose"
    assert facts["nuclide"] == "^18^Fluorine"
    assert facts["administered_at"] == "2026-11-24T09:15:00"
    assert (facts["dose_mbq"], facts["half_life_s"]) == (370, 6586.2)
    assert facts["attenuation_correction"] == "measured,AC_CT_Body"
    assert facts["corrected_image"] == ["DECY", "ATTN", "SCAT"]
    assert (facts["units"], facts["decay_correction"]) == ("BQML", "START")
    assert facts["model"] == "Biograph64_Vision 600"


@pytest.mark.parametrize(
    ("attributes", "hindrance"),
    [
        ({}, ""),
        ({"Rows": 65535, "Columns": 65535}, "dimensions_exceed_limit"),
        ({"NumberOfFrames": 2_147_483_647}, "dimensions_exceed_limit"),
        ({"NumberOfFrames": -1}, "malformed_dimensions"),
        ({"Rows": 64}, "pixels_missing"),
        ({"BitsAllocated": 13}, "malformed_dimensions"),
    ],
)
def test_pixels_that_must_not_be_opened_are_marked(attributes, hindrance):
    assert header_of(a_file(**attributes)).hindrance == hindrance


def test_rows_of_another_type_are_marked():
    file = a_file().replace(b"\x28\0\x10\0US\2\0\x08\0", b"\x28\0\x10\0UL\4\0\x08\0\0\0")

    assert header_of(file).hindrance == "malformed_dimensions"


@pytest.mark.parametrize(
    ("raw", "terms", "text", "repaired"),
    [
        ("王^小明".encode("gb18030"), ["GB18030"], "王^小明", False),
        ("王^小明".encode(), ["ISO_IR 192"], "王^小明", False),
        ("王^小明".encode("gb18030"), ["ISO_IR 100"], "王^小明", True),
        ("王^小明".encode("gb18030"), [""], "王^小明", True),
        ("朱^镕基".encode("gb18030"), ["ISO_IR 100"], "朱^镕基", True),
        ("王^小明".encode(), ["ISO_IR 100"], "王^小明", True),
        ("王^小明".encode("gb18030"), ["ISO_IR 192"], "王^小明", True),
        ("Müller^Jörg".encode("latin-1"), ["ISO_IR 100"], "Müller^Jörg", False),
        ("Äneas^Rüdiger".encode("latin-1"), ["ISO_IR 100"], "Äneas^Rüdiger", False),
        (b"Wang=\x1b$)A\xcd\xf5^\x1b$)A\xd0\xa1", ["", "ISO 2022 IR 58"], "Wang=王^小", False),
    ],
)
def test_names_are_read_and_mislabelled_ones_repaired(raw, terms, text, repaired):
    assert decode(raw, terms) == (text, repaired)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gb18030", "Zhang^Wei=张^伟"),
        ("gb18030_4byte_rare", "Wang^Zhe=王^𬀩㐀"),
        ("gbk", "Ouyang^Na=欧阳^娜"),
        ("iso2022_ir58", "Zhang^XiaoDong=张^小东"),
        ("mislabelled_gbk_bytes_as_iso_ir_100", "张^三"),
        ("utf8", "Li^Si=李^四"),
    ],
)
class TestRealFiles:
    pytestmark = needs_data

    def test_chinese_names(self, name, text):
        file = (DATA / "derived/charset_chinese" / f"{name}.dcm").read_bytes()

        assert header_of(file).texts["patient_name"] == text


@needs_data[0]
@needs_data[1]
def test_a_file_without_meta_information_is_recognised():
    for name, syntax in [
        ("ExplVR_LitEndNoMeta.dcm", ExplicitVRLittleEndian),
        ("ExplVR_BigEndNoMeta.dcm", "1.2.840.10008.1.2.2"),
    ]:
        file = (DATA / "malformed" / name).read_bytes()

        assert locate_data_set(file).transfer_syntax_uid == syntax
        assert header_of(file).sop_instance_uid == "1.2.333.4444.5.6.7.8"
