"""Surname readings, DICOM groups and masks. Readings after 现代汉语词典; ü after GB/T 28039-2011."""

import pytest

from hevesy.records.patients.masking import mask_id_card, mask_name, mask_phone
from hevesy.records.patients.pinyin import latin_name, search_readings


@pytest.mark.parametrize(
    ("name", "latin"),
    [
        ("单雄信", "Shan^Xiongxin"),
        ("仇英", "Qiu^Ying"),
        ("曾国藩", "Zeng^Guofan"),
        ("吕布", "Lyu^Bu"),
        ("欧阳雪", "Ouyang^Xue"),
        ("尉迟恭", "Yuchi^Gong"),
        ("解珍", "Xie^Zhen"),
        ("张朝阳", "Zhang^Zhaoyang"),
        ("𠮷田", "Ji^Tian"),
        ("买买提·吐尔逊", "Maimaiti^Tuerxun"),
        ("John Smith", "Smith^John"),
        ("张", "Zhang"),
    ],
)
def test_the_alphabetic_group_reads_surnames_as_surnames(name: str, latin: str) -> None:
    assert latin_name(name) == latin


def test_the_alphabetic_group_is_ascii_even_for_characters_nobody_can_read() -> None:
    assert latin_name("王\U0003106c").isascii()


def test_both_readings_of_a_surname_are_searched() -> None:
    spelled = {full for full, _initials in search_readings("单雄信")}

    assert {"shanxiongxin", "danxiongxin", "xiongxin"} <= spelled


@pytest.mark.parametrize(
    ("name", "mask"),
    [
        ("陈国", "陈*"),
        ("陈建国", "陈*国"),
        ("欧阳雪", "欧阳*"),
        ("欧阳建国", "欧阳*国"),
        ("买买提·吐尔逊", "买*·*逊"),
        ("John Smith", "J*** S***"),
        ("陈", "陈*"),
    ],
)
def test_names_are_masked_for_others_to_see(name: str, mask: str) -> None:
    assert mask_name(name) == mask


def test_numbers_are_masked() -> None:
    assert mask_id_card("360103195502172417") == "3601**********2417"
    assert mask_phone("13800006621") == "138****6621"
