"""What the department sends through its forms, and what the pages answer."""

import re


def text_of(response):
    return response.content.decode()


def complaints(response):
    """What a refused form says."""
    found = re.findall(
        r"(?:errorlist|is-bad|hv-note-text)[^>]*>(.*?)</(?:ul|div)>", text_of(response)
    )
    return [re.sub(r"<[^>]+>", "", part) for part in found]


NEW_CLASS = {
    "code": "pet-mr-2",
    "name_zh": "一体化 PET-MR",
    "name_en": "Integrated PET-MR",
    "sort": "20",
    "active": "on",
    "number_template": "XM{yy}{mm}-{seq:04}",
    "number_reset": "monthly",
    "dicom_modalities": "PT, MR",
    "report_kind": "imaging",
}
NEW_DEVICE = {
    "code": "pet-mr-a",
    "name_zh": "PET-MR 甲",
    "name_en": "PET-MR A",
    "sort": "30",
    "active": "on",
    "kind": "scanner",
    "ae_title": "PETMRA",
    "address": "10.0.0.7",
    "port": "104",
    "character_set": "GB18030",
    "dicom_rights": ["echo", "store", "worklist", "mpps"],
    "slot_min": "10",
    "opens_at": "08:00",
    "closes_at": "18:00",
}
