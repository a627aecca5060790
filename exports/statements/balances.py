"""往来对照: the month of every party on one table (merchants together, since none of them may read
what another one sold), and one party's counterparties.
"""

from exports.statements.figures import MonthFigures, PartyFigures, Row

MERCHANT = "merchant"
OUTSIDE = (MERCHANT, "outside")  # they see what lies between them and others, and no more
AMOUNTS = ("opening_fen", "receivable_fen", "payable_fen", "net_fen", "payments_fen", "closing_fen")


def balances_of_all(month: MonthFigures) -> list[Row]:
    """A row for each party, in fen, and one for all merchants, if there are any; they sum to 0."""
    kinds = {item.party.party: item.party for item in month.parties}
    merchants = [each for each in month.balances if kinds[each.party].party_kind == MERCHANT]
    rows = [
        {
            "party": each.party,
            "party_name": kinds[each.party].party_name,
            **{name: getattr(each, name) for name in AMOUNTS},
        }
        for each in month.balances
        if each not in merchants
    ]
    if merchants:
        together = {name: sum(getattr(each, name) for each in merchants) for name in AMOUNTS}
        name = f"商户（{len(merchants)} 家合计）"
        rows.append({"party": "merchants", "party_name": name, **together})
    return rows


def counterparties_of(figures: PartyFigures, month: MonthFigures) -> list[Row]:
    """A row for each counterparty, in fen from the party's side; they sum to its balance."""
    names = {item.party.party: item.party.party_name for item in month.parties}
    return [{**row, "party_name": names.get(row["party"], row["party"])} for row in figures.between]
