"""One spelling for each identifier, so that the same phone typed in four systems gives one token.

Each function takes the text of a file and returns the normal form, or None where the text
identifies nobody (placeholders, landlines, failed check digits). None is not an error: the row
loads without a token.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache

from pypinyin import Style, lazy_pinyin
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

PLACEHOLDERS = frozenset(
    {"", "-", "--", "-1", "/", "null", "none", "nan", "n/a", "na", "nil", "unknown", "test"}
    | {"无", "无牌", "无牌车", "没有", "不详", "未知", "匿名", "测试", "临时"}
)
PLACEHOLDER_MOBILES = frozenset({"13800138000", "13812345678", "13912345678", "18812345678"})
MOBILE = re.compile(r"1[3-9][0-9]{9}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
CHINESE_PLATE = re.compile(rf"[{PROVINCES}A-Z0-9使领军警学挂港澳试超应急]{{7,8}}")
OTHER_PLATE = re.compile(r"[A-Z0-9]{3,}")
HAN = re.compile(r"[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
TITLES = re.compile(r"(先生|女士|小姐|太太)$|\b(mr|mrs|ms|miss|mstr|dr)\b\.?")
COMPOUND_SURNAMES_TEXT = (
    "欧阳 歐陽 上官 司马 司馬 诸葛 諸葛 司徒 东方 東方 独孤 獨孤 南宫 南宮 夏侯 皇甫 尉迟 尉遲 "
    "公孙 公孫 慕容 令狐 长孙 長孫 宇文 轩辕 軒轅 端木 百里 呼延 闻人 聞人 申屠 太史 澹台 澹臺 "
    "公冶 宗政 濮阳 濮陽 淳于 单于 單于 钟离 鍾離 鲜于 鮮于 万俟 萬俟 赫连 赫連"
)
COMPOUND_SURNAMES = frozenset(COMPOUND_SURNAMES_TEXT.split())
# Characters that are read another way when they are a surname.
SURNAME_READINGS: Mapping[str, str] = {
    "曾": "zeng", "单": "shan", "單": "shan", "解": "xie", "仇": "qiu", "区": "ou", "區": "ou",
    "查": "zha", "任": "ren", "朴": "piao", "盖": "ge", "蓋": "ge", "乐": "yue", "樂": "yue",
    "覃": "qin", "翟": "zhai", "尉": "wei", "洗": "xian", "冼": "xian", "缪": "miao", "繆": "miao",
    "宓": "mi", "牟": "mu", "隗": "wei", "逄": "pang", "纪": "ji", "紀": "ji",
    "华": "hua", "華": "hua",
    "尉迟": "yuchi", "尉遲": "yuchi", "万俟": "moqi", "萬俟": "moqi",
    "长孙": "zhangsun", "長孫": "zhangsun",
    "单于": "chanyu", "單于": "chanyu", "澹台": "tantai", "澹臺": "tantai",
}  # fmt: skip


def plain(text: str) -> str:
    """Text with full-width forms made half-width and outer white space removed."""
    return unicodedata.normalize("NFKC", text).strip()


def _says_nothing(text: str) -> bool:
    """True for fillers: known words for nothing, or one character, once or over and over."""
    return text.lower() in PLACEHOLDERS or len(set(text)) == 1


def mobile(text: str) -> str | None:
    """Eleven digits of a mainland mobile number; None for landlines and filler numbers."""
    digits = re.sub(r"[\s()\-.]", "", plain(text))
    digits = re.sub(r"^(\+?86|0086)(?=1[0-9]{10}$)", "", digits)
    if not MOBILE.fullmatch(digits):
        return None
    is_filler = digits in PLACEHOLDER_MOBILES or len(set(digits[3:])) == 1
    return None if is_filler else digits


def id_document(text: str) -> str | None:
    """Eighteen characters of a resident identity number (15-digit ones are extended), or None.

    Birth date and check digit must hold; the region code may have been retired since.
    """
    number = re.sub(r"[\s\-]", "", plain(text)).upper()
    if re.fullmatch(r"[0-9]{15}", number):
        number = f"{number[:6]}19{number[6:]}0"
        number = number[:17] + ric.calc_check_digit(number)
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        return None
    try:
        ric.get_birth_date(number)
    except ValidationError:
        return None
    return number if ric.calc_check_digit(number) == number[17] else None


def plate(text: str) -> str | None:
    """Number plate in capitals without separators; None if it is too short or a filler."""
    value = re.sub(r"[\s·•・.\-_]", "", plain(text)).upper()
    if _says_nothing(value):
        return None
    pattern = CHINESE_PLATE if HAN.search(value) else OTHER_PLATE
    return value if pattern.fullmatch(value) else None


def email(text: str) -> str | None:
    """E-mail address in lower case, or None if it is none."""
    value = plain(text).lower()
    return value if EMAIL.fullmatch(value) else None


def card_number(text: str) -> str | None:
    """Card number in capitals without spaces and dashes, or None for fillers."""
    value = re.sub(r"[\s\-]", "", plain(text)).upper()
    return None if _says_nothing(value) else value


def open_identifier(text: str) -> str | None:
    """An identifier that WeChat issued: case matters, only outer white space goes."""
    value = text.strip()
    return None if _says_nothing(value) else value


def name_key(text: str) -> str | None:
    """Order-free pinyin of a person's name: 张伟, 張偉, ZHANG WEI and Wei Zhang give `wei zhang`.

    Surname and joined given name, sorted. In Latin letters a slash or comma ends the surname; of
    three or more words the first one is taken as the surname. None for masked names and single
    characters.
    """
    value = TITLES.sub("", plain(text).lower().strip()).strip()
    if value in PLACEHOLDERS or "*" in value:
        return None
    han = HAN.findall(value)
    parts = [part for part in map(_letters, _han_name(han) if han else _latin_name(value)) if part]
    return " ".join(sorted(parts)) if parts else None


def _han_name(characters: list[str]) -> tuple[str, ...]:
    """Surname and given name of a Chinese name in pinyin; nothing for a lone surname."""
    if len(characters) < 2:
        return ()
    first_two = "".join(characters[:2])
    length = 2 if first_two in COMPOUND_SURNAMES and len(characters) > 2 else 1
    surname = "".join(characters[:length])
    reading = SURNAME_READINGS.get(surname) or "".join(map(_reading, surname))
    return reading, "".join(map(_reading, characters[length:]))


@cache
def _reading(character: str) -> str:
    return "".join(lazy_pinyin(character, style=Style.NORMAL))


def _latin_name(value: str) -> tuple[str, ...]:
    surname, separator, given = value.replace(",", "/").partition("/")
    if separator:
        return surname, given
    words = value.split()
    return words[0], "".join(words[1:])


def _letters(part: str) -> str:
    """Letters only; ü as passports and keyboards write it (u:, v, yu after l and n) in one way."""
    part = part.replace("ü", "v").replace("u:", "v")
    decomposed = unicodedata.normalize("NFKD", part)
    letters = "".join(letter for letter in decomposed if letter.isalpha())
    return letters.replace("lyu", "lv").replace("nyu", "nv")


def masked_mobile(number: str) -> str:
    """A normal mobile number with its middle hidden: 138****0001."""
    return f"{number[:3]}****{number[-4:]}"


def masked_name(text: str) -> str | None:
    """First character and a star: 张*, Z*. None for an empty name or a filler."""
    value = plain(text)
    return None if value.lower() in PLACEHOLDERS else f"{value[0].upper()}*"


NORMALISERS: Mapping[str, Callable[[str], str | None]] = {
    "mobile": mobile,
    "id_document": id_document,
    "unionid": open_identifier,
    "openid": open_identifier,
    "email": email,
    "plate": plate,
    "card_number": card_number,
    "name": name_key,
}
