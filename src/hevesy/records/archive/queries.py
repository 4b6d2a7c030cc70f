"""Reading the archive: what an actor may see, and the bytes of an instance."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import BinaryIO

from django.db.models import Q, QuerySet

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.archive import stored
from hevesy.records.archive.models import Instance, Series, Study


def visible_studies(by: Actor) -> QuerySet[Study]:
    """Studies that the actor may open."""
    by.require("archive.view")
    return Study.objects.all()


def search_studies(
    by: Actor,
    *,
    text: str = "",
    modality: str = "",
    first: date | None = None,
    last: date | None = None,
    matched: bool | None = None,
    drug: str = "",
    attenuation_corrected: bool | None = None,
    scanner: str = "",
) -> QuerySet[Study]:
    """Studies by patient or number, modality, day, drug, attenuation correction and scanner (clause 1.8); newest first.

    A search with several conditions on a series wants one series that fulfils all of them.
    """
    studies = visible_studies(by)
    for word in text.split()[:5]:
        studies = studies.filter(
            Q(patient_name__icontains=word)
            | Q(patient_id__istartswith=word)
            | Q(accession_number__istartswith=word)
            | Q(study_instance_uid=word)
            | Q(exam__number__istartswith=word)
            | Q(exam__patient__name_zh__contains=word)
            | Q(exam__patient__name_latin__icontains=word)
        )
    if first:
        studies = studies.filter(study_date__gte=f"{first:%Y%m%d}")
    if last:
        studies = studies.filter(study_date__lte=f"{last:%Y%m%d}")
    if matched is not None:
        studies = studies.filter(exam__isnull=not matched)
    of_series = Q()
    if modality:
        of_series &= Q(modality=modality)
    if drug:
        of_series &= Q(header__radiopharmaceutical__icontains=drug)
    if scanner:
        of_series &= Q(header__model__icontains=scanner) | Q(header__station__icontains=scanner)
    if attenuation_corrected is not None:
        series = Series.objects.filter(of_series)
        corrected = series.filter(
            Q(header__corrected_image__icontains="ATTN")
            | Q(header__attenuation_corrected="YES")
            | Q(header__attenuation_correction__icontains="measured")
        ).values("pk")
        of_series &= Q(pk__in=corrected) if attenuation_corrected else ~Q(pk__in=corrected)
    if of_series:
        studies = studies.filter(pk__in=Series.objects.filter(of_series).values("study"))
    return studies.select_related("exam__patient", "exam__item").order_by("-study_date", "-id")


def open_instance(instance: Instance) -> BinaryIO:
    """The object as a stream of the very bytes that were received, however it is stored; `FileNotFoundError` if it is
    lost or damaged (`hevesy fsck` lists those).

    Zero preamble, our file meta information, the data set as received. `instance.hindrance` says why its pixels must
    not be decoded, if they must not.
    """
    return stored.open_received(instance)


def open_data_set(instance: Instance) -> BinaryIO:
    """The data set alone, byte for byte as received, in `instance.transfer_syntax_uid`."""
    file = stored.open_received(instance)
    file.seek(instance.data_set_offset)
    return file


def instance_path(instance: Instance) -> Path:
    """The object as a local file with the very bytes that were received. Read only."""
    return stored.received_path(instance)


def local_paths(series: Series) -> list[Path]:
    """Every instance of a series as a local DICOM file with the same header and pixels, in the order of their numbers.

    Packed objects are given as they are, in a lossless transfer syntax: for readers that decode.
    """
    return [stored.readable_path(one) for one in series.instances.order_by("number", "id")]


def role(series: Series) -> str:
    """What a series is for, by rule: what its headers say, never by guessing at the description."""
    if series.modality == "PT":
        correction = str(series.header.get("attenuation_correction", "")).upper()
        corrected = "ATTN" in str(series.header.get("corrected_image", "")).upper()
        return "PET" if corrected or (correction and correction != "NONE") else "PET_NAC"
    return {"CT": "CT", "MR": "MR", "NM": "NM"}.get(series.modality, "OTHER")
