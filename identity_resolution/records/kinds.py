"""The kinds of columns, and how a value of each is made comparable.

A value is cleaned without looking at any other one, so the same value is the same text in every
table. Empty text means that nothing was said.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache

NOTHING = {"", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "-", "--", "?"}
HAN = re.compile(r"[\u3400-\u9fff]")
DOUBLE_SURNAMES = {
    *(
        "欧阳",
        "司马",
        "上官",
        "诸葛",
        "司徒",
        "夏侯",
        "皇甫",
        "尉迟",
        "公孙",
        "慕容",
        "令狐",
        "东方",
    ),
    *(
        "宇文",
        "长孙",
        "端木",
        "南宫",
        "独孤",
        "百里",
        "轩辕",
        "钟离",
        "呼延",
        "太史",
        "申屠",
        "闻人",
    ),
}
# What the eye takes for a digit.
LOOKS_LIKE = str.maketrans({"|": "1", "l": "1", "I": "1", "i": "1", "O": "0", "o": "0"})
DATE_PARTS = re.compile(r"[\d?]+")
EARLIEST_YEAR, LATEST_YEAR = 1800, 2100
STREET_WORDS = {
    **dict.fromkeys(("st", "str"), "street"),
    "rd": "road",
    "ave": "avenue",
    "av": "avenue",
    "dr": "drive",
    "ln": "lane",
    "ct": "court",
    "pl": "place",
    "cl": "close",
    "cir": "circle",
    "blvd": "boulevard",
    "hwy": "highway",
    "pkwy": "parkway",
    "ter": "terrace",
    "trl": "trail",
    "cres": "crescent",
    "sq": "square",
    "n": "north",
    "s": "south",
    "e": "east",
    "w": "west",
    "apt": "apartment",
}


def clean_name(text: str) -> str:
    """A part of a name: lower case, without accents and marks; Chinese as its pinyin."""
    return " ".join(_words(_latin(text)))


def clean_full_name(text: str) -> str:
    """A whole name, its words in the order of the alphabet: people write them either way."""
    if HAN.search(text):
        bare = "".join(HAN.findall(_simplified(text)))
        split = 2 if bare[:2] in DOUBLE_SURNAMES and len(bare) > 2 else 1
        text = f"{_pinyin(bare[:split])} {_pinyin(bare[split:])}"
    return " ".join(sorted(_words(_latin(text))))


def clean_text(text: str) -> str:
    """Free text: lower case words and numbers."""
    return " ".join(re.findall(r"[\w]+", _plain(text)))


def clean_address(text: str) -> str:
    """An address: as free text, with the usual short words written out."""
    return " ".join(STREET_WORDS.get(word, word) for word in clean_text(text).split())


def clean_code(text: str) -> str:
    """A document, postcode or house number: letters and digits; nothing where all are the same."""
    code = "".join(re.findall(r"[^\W_]", _plain(text)))
    return "" if len(code) > 3 and len(set(code)) == 1 else code


def clean_phone(text: str) -> str:
    """A phone number: its last eleven digits; nothing where there are too few to ring anybody."""
    digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", text)).lstrip("0")[-11:]
    return "" if len(digits) < 5 or len(set(digits)) == 1 else digits


def clean_email(text: str) -> str:
    """An e-mail address in lower case; nothing where there is no @."""
    email = re.sub(r"\s", "", _plain(text))
    return email if "@" in email.strip("@") else ""


def clean_number(text: str) -> str:
    """A number or year: without leading zeros and a fraction of nothing."""
    number = re.sub(r"\.0*$", "", _plain(text).strip()).lstrip("0")
    return re.sub(r"[^\d.\-]", "", number)


def clean_date(text: str) -> str:
    """A date as year, month, day in eight digits, whichever way round it was written; a damaged
    one keeps what can be read of it.
    """
    text = unicodedata.normalize("NFKC", text).strip()
    text = re.split(r"[T ](?=\d\d:)", text)[0].translate(LOOKS_LIKE)
    parts = DATE_PARTS.findall(re.sub(r"[^\d/\-. 年月日]", "?", text))
    if not parts:
        return ""
    if len(parts) == 3:
        if len(parts[0]) > 2:
            return _joined(*parts)
        return _joined(parts[2], *_month_first(parts[0], parts[1]))
    digits = "".join(parts)
    if len(digits) != 8:
        return digits if any(character.isdigit() for character in digits) else ""
    if _is_year(digits[:4]) and (_is_month(digits[4:6]) or not _is_year(digits[4:])):
        return digits
    if _is_year(digits[4:]):
        return _joined(digits[4:], *_month_first(digits[:2], digits[2:4]))
    return digits


def clean_category(text: str) -> str:
    """One of few values, such as a sex: lower case."""
    return clean_text(text)


# In the order in which a person would look at them.
KINDS: dict[str, Callable[[str], str]] = {
    "given_name": clean_name,
    "surname": clean_name,
    "full_name": clean_full_name,
    "middle_name": clean_name,
    "birth_date": clean_date,
    "birth_year": clean_number,
    "birth_month": clean_number,
    "birth_day": clean_number,
    "document": clean_code,
    "phone": clean_phone,
    "email": clean_email,
    "address": clean_address,
    "street_number": clean_code,
    "place": clean_text,
    "postcode": clean_code,
    "gender": clean_category,
    "category": clean_category,
    "number": clean_number,
}


def cleaner(kind: str) -> Callable[[str | None], str | None]:
    """How a value of a kind is cleaned; None for what says nothing."""
    clean = KINDS[kind]

    @cache
    def cleaned(value: str | None) -> str | None:
        if value is None or value.strip() in NOTHING:
            return None
        return clean(value) or None

    return cleaned


def phonetic(word: str) -> str:
    """How a Latin word begins and which consonants follow, so that it sounds alike (Soundex)."""
    groups = {"bfpv": "1", "cgjkqsxz": "2", "dt": "3", "l": "4", "mn": "5", "r": "6"}
    codes = {letter: code for letters, code in groups.items() for letter in letters}
    letters = [letter for letter in word if letter.isalpha()]
    if not letters:
        return word
    code, last = letters[0], codes.get(letters[0], "")
    for letter in letters[1:]:
        this = codes.get(letter, "")
        if this and this != last:
            code += this
        if letter not in "hw":
            last = this
    return code[:4].ljust(4, "0")


def _plain(text: str) -> str:
    """Lower case without accents, in the usual width."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return unicodedata.normalize("NFKC", bare).lower()


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.replace("'", "").replace("’", ""))


def _latin(text: str) -> str:
    """Text without accents; Chinese characters become pinyin."""
    if HAN.search(text):
        text = _pinyin(_simplified(text))
    return _plain(text)


def _pinyin(text: str) -> str:
    from pypinyin import lazy_pinyin  # noqa: PLC0415 - half a second, and few tables need it

    return "".join(lazy_pinyin(text))


def _simplified(text: str) -> str:
    return str(_converter().convert(text))  # type: ignore[attr-defined]


@cache
def _converter() -> object:
    from opencc import OpenCC  # noqa: PLC0415 - few tables need it

    return OpenCC("t2s")


def _joined(year: str, month: str, day: str) -> str:
    if len(year) == 2:
        year = f"?{year}"
    return f"{year}{month.zfill(2)}{day.zfill(2)}"


def _month_first(one: str, other: str) -> tuple[str, str]:
    """Month and day of the two; the first is the month where both could be."""
    return (one, other) if _is_month(one) or not _is_month(other) else (other, one)


def _is_month(text: str) -> bool:
    return text.isdigit() and 1 <= int(text) <= 12


def _is_year(text: str) -> bool:
    return text.isdigit() and EARLIEST_YEAR <= int(text) <= LATEST_YEAR
