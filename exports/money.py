"""Money as people read it."""


def yuan(fen: int) -> str:
    """Fen as yuan text with separators: -123456 is -1,234.56."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def fen(micro_fen: int) -> str:
    """Micro-fen as fen text, exactly: -400000 is -0.400000."""
    sign = "-" if micro_fen < 0 else ""
    return f"{sign}{abs(micro_fen) // 1_000_000:,}.{abs(micro_fen) % 1_000_000:06d}"
