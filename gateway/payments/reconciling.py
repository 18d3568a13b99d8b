"""Daily reconciliation (7001/7002): what a side says was paid and refunded, against what the gateway carried.

A line is one payment (5001) or refund (5003); its amount is in fen, refunds below zero, its day is a D8. Lines
are the same by application, voucher, detail and the bank's number; what one side leaves out binds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.message import Record
from gateway.payments.case import Case, Finding, fen, items, yuan
from gateway.payments.ground import Ground

MISSING_HERE, MISSING_THERE, AMOUNT, DATE = "missing-here", "missing-there", "amount", "date"
KINDS = (MISSING_HERE, MISSING_THERE, AMOUNT, DATE)


@dataclass(frozen=True, slots=True)
class Line:
    """`pack` is the pack of the 7001 that told it, 0 for what the gateway carried."""

    app_no: str
    voucher_no: str
    detail_id: str
    bank_no: str
    day: str
    fen: int
    pack: int = 0

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.app_no, self.voucher_no, self.detail_id, self.bank_no

    def fits(self, other: Line) -> bool:
        """Is it the same line, as far as both say which?"""
        optional = ((self.detail_id, other.detail_id), (self.bank_no, other.bank_no))
        same = (self.app_no, self.voucher_no) == (other.app_no, other.voucher_no)
        return same and all(mine == theirs or not (mine and theirs) for mine, theirs in optional)


@dataclass(frozen=True, slots=True)
class Statement:
    """A 7001 in all its packs. `is_complete`: every pack is here; `adds_up`: its totals are those of its lines."""

    check_no: str
    adm_div: str
    begin: str
    end: str
    packs: tuple[int, ...]
    is_complete: bool
    adds_up: bool
    lines: tuple[Line, ...]

    def covers(self, day: str) -> bool:
        return self.begin <= day <= self.end


@dataclass(frozen=True, slots=True)
class Difference:
    """`here` is the gateway's line, `there` that of the platform `side`; one of them is missing, or both differ."""

    side: str
    kind: str
    here: Line | None
    there: Line | None

    @property
    def line(self) -> Line:
        found = self.there or self.here
        if found is None:
            raise ValueError("a difference is about a line")
        return found


@dataclass(frozen=True, slots=True)
class Compared:
    """`equal`: keys of the gateway's lines that the side tells alike."""

    differences: tuple[Difference, ...]
    equal: frozenset[tuple[str, str, str, str]]


def carried_line(number: str, body: Record) -> Line | None:
    """The line of a 5001 or 5003; None where no money moved."""
    if number == "5001":
        names = ("VoucherNo", "DetailId", "XAgentBusinessNo", "XPayDate", "XPayAmt")
    else:
        names = ("RefundVoucherNo", "DetailId", "", "RefundDate", "RefundAmt")
    voucher, detail, bank, day, amount = (str(body.get(name) or "") for name in names)
    moved = fen(amount)
    return Line(str(body["PayAppNo"]), voucher, detail, bank, day, moved) if moved else None


def first_of_each(lines: Iterable[Line]) -> list[Line]:
    """Each line once, as it was told first: a line of money is booked once (docs/decisions.md 63)."""
    found: dict[tuple[str, str, str, str], Line] = {}
    for line in lines:
        found.setdefault(line.key, line)
    return list(found.values())


def read_statements(bodies: Iterable[Record]) -> list[Statement]:
    """The statements in force of 7001 bodies in the order of their acceptance: a later one for the same
    division and period takes the place of an earlier one, a later version of a pack that of the earlier."""
    numbers: dict[tuple[str, str, str], str] = {}
    packs: dict[str, dict[int, Record]] = {}
    for body in bodies:
        no = str(body["VoucherCheckNo"])
        numbers[body.get("AdmDivCode") or "", body["BeginDate"], body["EndDate"]] = no
        packs.setdefault(no, {})[int(body["CurPackNo"])] = body
    return [_statement(no, *place, packs[no]) for place, no in numbers.items()]


def _statement(no: str, adm_div: str, begin: str, end: str, packs: dict[int, Record]) -> Statement:
    newest = list(packs.values())[-1]
    count = int(newest["ChildPackNum"])
    kept = {pack: body for pack, body in sorted(packs.items()) if pack <= count}
    lines = tuple(
        Line(
            str(one["PayAppNo"]), str(one["VoucherNo"]), str(one.get("DetailId") or ""),
            str(one.get("XAgentBusinessNo") or ""), str(one["XPayDate"]), fen(one["XPayAmt"]), pack,
        )
        for pack, body in kept.items()
        for one in items(body, "Detail", "Line")
    )  # fmt: skip
    told = int(newest["AllNum"]), fen(newest["AllAmt"])
    adds_up = told == (len(lines), sum(line.fen for line in lines))
    return Statement(no, adm_div, begin, end, tuple(kept), len(kept) == count, adds_up, lines)


def compare(side: str, here: Sequence[Line], there: Sequence[Line], begin: str, end: str) -> Compared:
    """Every difference about the days from `begin` to `end`. Lines of other days may be given too, so that one
    that is told for another day is a difference of date and not missing twice."""
    pairs = _pair(here, there)
    differences: list[Difference] = []
    equal: set[tuple[str, str, str, str]] = set()
    for mine, theirs in pairs:
        if not any(line is not None and begin <= line.day <= end for line in (mine, theirs)):
            continue
        kinds = _kinds(mine, theirs)
        differences += [Difference(side, kind, mine, theirs) for kind in kinds]
        if mine is not None and not kinds:
            equal.add(mine.key)
    return Compared(tuple(differences), frozenset(equal))


def _kinds(mine: Line | None, theirs: Line | None) -> list[str]:
    if mine is None:
        return [MISSING_HERE]
    if theirs is None:
        return [MISSING_THERE]
    found = [(AMOUNT, mine.fen != theirs.fen), (DATE, mine.day != theirs.day)]
    return [kind for kind, differs in found if differs]


def _pair(here: Sequence[Line], there: Sequence[Line]) -> list[tuple[Line | None, Line | None]]:
    """Each line with its other half: first by the whole key, then by what both sides say of it."""
    left: dict[tuple[str, str], list[Line]] = {}
    for line in here:
        left.setdefault((line.app_no, line.voucher_no), []).append(line)
    pairs: list[tuple[Line | None, Line | None]] = []
    vague: list[Line] = []
    for line in there:
        known = left.get((line.app_no, line.voucher_no), [])
        same = next((one for one in known if one.key == line.key), None)
        if same is None:
            vague.append(line)
        else:
            known.remove(same)
            pairs.append((same, line))
    for line in vague:
        known = left.get((line.app_no, line.voucher_no), [])
        alike = next((one for one in known if one.fits(line)), None)
        if alike is not None:
            known.remove(alike)
        pairs.append((alike, line))
    return [*pairs, *((line, None) for lines in left.values() for line in lines)]


def reason(difference: Difference, side_name: str) -> str:
    """XCheckReason: which side says what, at most 200 characters."""
    here, there = difference.here, difference.there
    match difference.kind:
        case "missing-here":
            text = f"网关无此笔，{side_name}为{_told(there)}"
        case "missing-there":
            text = f"{side_name}缺少此笔，网关为{_told(here)}"
        case "amount":
            text = f"{side_name}金额{yuan(there.fen) if there else ''}，网关{yuan(here.fen) if here else ''}"
        case _:
            text = f"{side_name}日期{there.day if there else ''}，网关{here.day if here else ''}"
    return text[:200]


def _told(line: Line | None) -> str:
    return f"{line.day} {yuan(line.fen)}" if line else ""


def answer(statement: Statement, pack: int, told: Sequence[tuple[Difference, str]], most: int) -> Record:
    """The body of 7002 for one pack. `told`: every difference about the statement's period, of either side, with
    its reason. One about a line of the pack is told there, all others in the first; at most `most` are listed,
    XDiffNum counts them all."""
    lines = [
        _difference_line(difference.line, why)
        for difference, why in told
        if _pack_of(difference.line, statement) == pack
    ]
    if pack == statement.packs[0] and not statement.adds_up and statement.lines:
        lines.append(_difference_line(statement.lines[0], "总笔数或总金额与明细之和不符"))
    body: Record = {
        "VoucherCheckNo": statement.check_no,
        "CurPackNo": str(pack),
        "XCheckResult": "1" if lines else "0",
        "XDiffNum": str(len(lines)),
    }
    return {**body, "Detail": {"Line": lines[:most]}} if lines else body


def _pack_of(line: Line, statement: Statement) -> int:
    own = next((one.pack for one in statement.lines if replace(one, pack=0).key == line.key), 0)
    return own or statement.packs[0]


def _difference_line(line: Line, why: str) -> Record:
    made = {
        "PayAppNo": line.app_no,
        "VoucherNo": line.voucher_no,
        "DetailId": line.detail_id,
        "XAgentBusinessNo": line.bank_no,
        "XCheckResult": "1",
        "XCheckReason": why,
    }
    return {name: value for name, value in made.items() if value}


def judge_request(case: Case, ground: Ground, finding: Finding) -> None:
    """7001: a treasury speaks for the divisions that it pays, the general platform says for which one it does."""
    division = str(case.body.get("AdmDivCode") or "")
    payers = {row.treasury for row in case.coverage.rows if row.adm_div == division}
    if case.sender_kind == "treasury":
        if division and case.sender not in payers:
            finding.refuse("other-division", "AdmDivCode", found=division)
    elif not payers:
        finding.refuse("division-not-covered", "AdmDivCode", found=division)
