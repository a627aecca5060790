"""Money as people read it."""


def yuan(fen: int) -> str:
    """Fen as yuan text with separators: -123456 is -1,234.56."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
