"""Chinese names in Latin letters: surname readings that dictionaries get wrong, DICOM groups, search keys.

pypinyin reads 单 as dan and 仇 as chou; as surnames they are Shàn and Qiú. The table below is the usual reading of
the surname; a person who reads it otherwise gets `name_latin` corrected by hand, and search knows both readings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from pypinyin import lazy_pinyin

SURNAMES = {
    "单": "shan", "仇": "qiu", "曾": "zeng", "解": "xie", "区": "ou", "查": "zha", "盖": "ge", "朴": "piao",
    "乐": "yue", "缪": "miao", "翟": "zhai", "覃": "qin", "员": "yun", "种": "chong", "召": "shao", "隗": "wei",
    "黑": "he", "繁": "po", "秘": "bi", "折": "she", "都": "du", "重": "chong", "薄": "bo", "盛": "sheng",
    "洗": "xian", "燕": "yan", "曲": "qu", "相": "xiang", "句": "gou", "祭": "zhai", "藏": "zang", "能": "nai",
    "粘": "nian", "适": "kuo", "晁": "chao", "柏": "bai", "卜": "bu", "车": "che", "贾": "jia", "宁": "ning",
    "任": "ren", "华": "hua", "石": "shi", "纪": "ji", "尹": "yin", "万": "wan", "沈": "shen", "牟": "mou",
    "谌": "chen", "郗": "xi", "郇": "xun", "宓": "mi", "撒": "sa", "乜": "nie", "应": "ying", "那": "na",
    "俞": "yu", "褚": "chu", "阚": "kan", "訾": "zi", "眭": "sui", "逄": "pang", "佴": "nai", "冼": "xian",
    "尉": "wei", "行": "xing", "过": "guo", "哈": "ha", "观": "guan", "占": "zhan", "葛": "ge", "仉": "zhang",
    "𠮷": "ji", "郄": "qie", "晏": "yan", "蕃": "bo", "瞿": "qu", "臧": "zang", "殷": "yin", "娄": "lou",
}  # fmt: skip
"""Surname → reading (after 通用规范汉字 surname readings of 现代汉语词典)."""

COMPOUND_SURNAMES = {
    "欧阳": "ou yang", "司马": "si ma", "上官": "shang guan", "诸葛": "zhu ge", "东方": "dong fang",
    "皇甫": "huang fu", "尉迟": "yu chi", "公孙": "gong sun", "令狐": "ling hu", "慕容": "mu rong",
    "司徒": "si tu", "司空": "si kong", "夏侯": "xia hou", "宇文": "yu wen", "长孙": "zhang sun",
    "轩辕": "xuan yuan", "端木": "duan mu", "万俟": "mo qi", "澹台": "tan tai", "濮阳": "pu yang",
    "呼延": "hu yan", "钟离": "zhong li", "鲜于": "xian yu", "闾丘": "lü qiu", "太史": "tai shi",
    "申屠": "shen tu", "淳于": "chun yu", "单于": "chan yu", "赫连": "he lian", "独孤": "du gu",
    "南宫": "nan gong", "西门": "xi men", "百里": "bai li", "东郭": "dong guo", "拓跋": "tuo ba",
    "第五": "di wu", "公冶": "gong ye", "宗政": "zong zheng", "完颜": "wan yan", "纳兰": "na lan",
    "叶赫": "ye he", "范姜": "fan jiang", "达奚": "da xi", "左丘": "zuo qiu", "亓官": "qi guan",
    "司寇": "si kou", "巫马": "wu ma", "公西": "gong xi", "漆雕": "qi diao", "壤驷": "rang si",
    "公良": "gong liang", "拓拔": "tuo ba", "夹谷": "jia gu", "宰父": "zai fu", "谷梁": "gu liang",
    "段干": "duan gan", "东宫": "dong gong", "梁丘": "liang qiu", "仲长": "zhong chang", "子车": "zi ju",
}  # fmt: skip

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_DOTS = re.compile(r"[·•・‧∙．]")


def has_han(text: str) -> bool:
    """Whether the text contains a Chinese character."""
    return bool(_HAN.search(text))


def surname_length(name_zh: str) -> int:
    """How many characters the surname has: 2 for 欧阳 and its like when a given name follows."""
    return 2 if len(name_zh) > 2 and name_zh[:2] in COMPOUND_SURNAMES else 1


@dataclass(frozen=True, slots=True)
class Reading:
    """Syllables of surname and given name, lower case, ü kept."""

    surname: tuple[str, ...]
    given: tuple[str, ...]

    @property
    def syllables(self) -> tuple[str, ...]:
        """Surname, then given name."""
        return self.surname + self.given


@lru_cache(maxsize=4096)
def read_name(name_zh: str) -> Reading:
    """Syllables of a Chinese name, with the surname read as a surname."""
    if _DOTS.search(name_zh):
        # Uyghur, Tibetan, Mongol and others: own name · father's or family name; neither is a Han surname.
        first, *rest = [part for part in _DOTS.split(name_zh) if part]
        return Reading(_syllables(first), _syllables("".join(rest)))
    cut = surname_length(name_zh)
    surname, given = name_zh[:cut], name_zh[cut:]
    if surname in COMPOUND_SURNAMES:
        read = tuple(COMPOUND_SURNAMES[surname].split())
    elif surname in SURNAMES:
        read = (SURNAMES[surname],)
    else:
        read = _syllables(surname)
    return Reading(read, _syllables(given))


def _syllables(text: str) -> tuple[str, ...]:
    parts: list[str] = lazy_pinyin(text, v_to_u=True, errors="default")
    return tuple(re.sub(r"[^a-zü]", "", part.lower()) or part for part in parts)


def passport(syllable: str) -> str:
    """A syllable in the 26 letters of a passport: ü is written YU (GB/T 28039-2011: 吕 LYU, 女 NYU)."""
    return syllable.replace("ü", "yu")


def latin_name(name_zh: str) -> str:
    """The alphabetic group of the DICOM person name: `单雄信` → `Shan^Xiongxin`, `John Smith` → `Smith^John`."""
    text = " ".join(name_zh.split())
    if not has_han(text):
        family, given = _western(text)
        return f"{family}^{given}" if given else family
    reading = read_name(text.replace(" ", ""))
    surname = "".join(map(passport, reading.surname)).capitalize()
    given = "".join(map(passport, reading.given)).capitalize()
    # A character no table can read (a rare one) must not reach the alphabetic group, which is ASCII.
    surname, given = (re.sub(r"[^A-Za-z]", "", part) or "X" for part in (surname, given or "-"))
    return surname if not reading.given else f"{surname}^{given}"


def _western(text: str) -> tuple[str, str]:
    text = re.sub(r"[^A-Za-z ,.'\-]", "", text).replace("^", "")
    if "," in text:
        family, _comma, given = text.partition(",")
        return family.strip() or "X", given.strip()
    given, _blank, family = text.rpartition(" ")
    return family or "X", given


def plain(text: str) -> str:
    """Letters for comparing: lower case, ü as v (the input-method spelling), no blanks, hyphens or carets."""
    return re.sub(r"[^a-zü]", "", text.lower()).replace("ü", "v")


def spellings(typed: str) -> set[str]:
    """How typed letters may be meant: `lyubu` is also `lvbu`, `lvebu` also `lue…`; `chunyu` stays possible."""
    letters = plain(typed)
    return {letters, re.sub(r"([ln])yu", r"\1v", letters), re.sub(r"([ln])ue", r"\1ve", letters)}


def search_readings(name_zh: str, name_latin: str = "") -> set[tuple[str, str]]:
    """Every (full pinyin, initials) by which somebody may look for this name.

    The surname's reading, the dictionary's reading (who types by an input method writes dan for 单), the reading
    corrected by hand, and the given name alone.
    """
    found: set[tuple[str, str]] = set()
    if has_han(name_zh):
        name = name_zh.replace(" ", "")
        reading = read_name(name)
        dictionary = _syllables(_DOTS.sub("", name))
        for syllables in (reading.syllables, dictionary, reading.given):
            spelled = [plain(syllable) for syllable in syllables]
            if any(spelled):
                found.add(("".join(spelled), "".join(part[:1] for part in spelled)))
    else:
        words = [plain(word) for word in name_zh.split()]
        for order in (words, words[::-1]):
            if any(order):
                found.add(("".join(order), "".join(word[:1] for word in order)))
    if name_latin:
        family, _caret, given = name_latin.partition("^")
        for order in ([family, given], [given, family]):
            spelled = [plain(part) for part in order if plain(part)]
            if spelled:
                found.add(("".join(spelled), "".join(part[:1] for part in spelled)))
    return found
