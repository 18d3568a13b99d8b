"""For each rule between fields: records that keep it while it applies, and records that break it alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from gateway.selftest import digits, oracle
from gateway.selftest.material import DAY, GONE, Material, Place, Record, copied, listed
from gateway.selftest.repair import Repairer, drop, fill, put, qr_of
from gateway.selftest.schemas import Node
from gateway.selftest.structure import Mutation

FOREVER = "99991231"
_MOST = 3  # breaking instances a rule


class Breaker:
    """For the rules of one type, over records that are valid."""

    def __init__(self, material: Material, number: str, bases: list[Record]):
        self.material = material
        self.number = number
        self.root = material.types[number][1]
        self.rules = material.rules_of(number)
        self.bases = bases
        self.repairer = Repairer(material, self.root, self.rules)

    def keeping(self, rule: dict[str, Any]) -> Record | None:
        """A record that meets the rule's conditions and keeps it."""
        conditions = {self._full(rule, path) for path in (*rule.get("when", {}), *rule.get("unless", {}))}
        for base in self.bases:
            for keep in (conditions, {*conditions, self._full(rule, rule["path"])}):
                record: Record = copied(base)
                scope = self._conditions(rule, record)
                if scope is None:
                    continue
                self._present(rule, scope)
                is_kept = self.repairer.repaired(record, keep) and self._applies(rule, record)
                if is_kept and self.material.is_sound(self.number, record):
                    return record
        return None

    def _applies(self, rule: dict[str, Any], record: Record) -> bool:
        return any(oracle.applies(rule, scope) for _, scope in oracle.scopes(rule, record))

    def breaking(self, rule: dict[str, Any]) -> Iterator[tuple[Record, Mutation]]:
        """(the valid record, how to break the rule in it): the rule is broken and no other."""
        count = 0
        for base in self.bases:
            seen: set[str] = set()
            for record in self._broken(rule, base):
                if str(record) in seen or not self.material.is_sound(self.number, record):
                    continue
                wrong = oracle.broken(self.rules, record)
                if len(wrong) == 1 and next(iter(wrong))[0] == rule["id"]:
                    seen.add(str(record))
                    yield base, self._mutation(rule, base, record, next(iter(wrong))[1])
                    count += 1
                    if count >= _MOST:
                        return

    def _mutation(self, rule: dict[str, Any], base: Record, record: Record, path: str) -> Mutation:
        edits = tuple(differences(base, record))
        operands = [self._full(rule, one) for one in self._operands(rule)]
        touches = (*operands, *("/".join(map(str, _names(place))) for place, _ in edits))
        warns = rule.get("severity") == "warning"
        return Mutation(f"rule {rule['check']}", edits, rule["id"], path, touches, warns)

    @staticmethod
    def _full(rule: dict[str, Any], path: str) -> str:
        each = rule.get("each", "")
        return f"{each}/{path}" if each else path

    @staticmethod
    def _operands(rule: dict[str, Any]) -> list[str]:
        of = [] if rule["check"] == "unique" else listed(rule.get("of", []))
        return [rule["path"], *of, *rule.get("when", {}), *rule.get("unless", {})]

    def _broken(self, rule: dict[str, Any], base: Record) -> Iterator[Record]:
        keep = {self._full(rule, one) for one in self._operands(rule)}
        failed = 0
        for change in range(_TRIES):
            record: Record = copied(base)
            scope = self._conditions(rule, record)
            if scope is None:
                return
            if self._change(rule, scope, change):
                self.repairer.repaired(record, keep, but=rule["id"])
                yield record
            elif (failed := failed + 1) > 3:
                return

    def _conditions(self, rule: dict[str, Any], record: Record) -> Record | None:
        """The scope of the rule in the record, with its conditions met; None where that cannot be."""
        scopes = oracle.scopes(rule, record)
        if not scopes:
            return None
        prefix = f"{rule['each']}/" if rule.get("each") else ""
        met = [scope for _, scope in scopes if oracle.applies(rule, scope)]
        scope: Record = met[0] if met else scopes[0][1]
        for path, wanted in rule.get("when", {}).items():
            if not oracle.met(scope, path, wanted) and not self._meet(scope, prefix, path, listed(wanted)):
                return None
        for path, unwanted in rule.get("unless", {}).items():
            if oracle.met(scope, path, unwanted) and not self._avoid(scope, prefix, path, listed(unwanted)):
                return None
        return scope if oracle.applies(rule, scope) else None

    def _meet(self, scope: Record, prefix: str, path: str, wanted: list[str]) -> bool:
        if wanted[0] == "*":
            return fill(self.material, self.root, scope, prefix, path)
        if wanted[0].endswith("*"):
            return False
        if not oracle.spots(scope, path) and not fill(self.material, self.root, scope, prefix, path):
            return False
        put(scope, path, wanted[0])
        return True

    def _avoid(self, scope: Record, prefix: str, path: str, unwanted: list[str]) -> bool:
        node = self.root.at(prefix + path)
        if node is None:
            return False
        for value in self.material.values_for(node):
            if not any(oracle.fits(value, one) for one in unwanted):
                put(scope, path, value)
                return True
        if node.least == 0:
            drop(scope, path)
            return True
        return False

    def _present(self, rule: dict[str, Any], scope: Record) -> None:
        """The rule's own element stands, where it may."""
        prefix = f"{rule['each']}/" if rule.get("each") else ""
        if rule["check"] in ("qr-text", "qr-part"):
            put(scope, rule["path"], qr_of(scope))
        elif rule["check"] not in ("forbidden-when", "at-most-one"):
            fill(self.material, self.root, scope, prefix, rule["path"])

    def _change(self, rule: dict[str, Any], scope: Record, change: int) -> bool:
        """Breaks the rule in its scope in one of several ways; False where this way is none."""
        prefix = f"{rule['each']}/" if rule.get("each") else ""
        path, check = rule["path"], rule["check"]
        if check == "required-when":
            drop(scope, path)
            return change == 0
        if check in ("qr-text", "qr-part"):
            put(scope, path, _wrong_qr(rule, scope, change))
            return True
        if not self._stands(scope, prefix, [path]):
            return False
        match check:
            case "forbidden-when" | "at-most-one":
                return change == 0 and self._stands(scope, prefix, listed(rule.get("of", [])))
            case "unique":
                return self._repeat(rule, scope, change)
            case "count-at-most":
                is_over = bool([*oracle.breaches({**rule, "each": ""}, scope)])
                return change == 0 and (is_over or self._repeat({**rule, "of": []}, scope, 0))
        return self._stands(scope, prefix, listed(rule.get("of", []))) and self._set(
            rule, scope, prefix, change
        )

    def _stands(self, scope: Record, prefix: str, paths: list[str]) -> bool:
        """Is there something at each path, or could it be put there?"""
        return all(
            oracle.spots(scope, path) or fill(self.material, self.root, scope, prefix, path) for path in paths
        )

    def _set(self, rule: dict[str, Any], scope: Record, prefix: str, change: int) -> bool:
        """Gives the rule's own element another value."""
        for one in listed(rule.get("of", [])):
            if str(oracle.spots(scope, one)[0][1]) == FOREVER:
                put(scope, one, f"{DAY:%Y%m%d}")
        node = self.root.at(prefix + rule["path"])
        options = list(_options(rule, scope, self._candidates(node)))
        if change >= len(options):
            is_sum = rule["check"] in ("sum-equals", "sum-at-most")
            return is_sum and self._other_amount(rule, scope, change - len(options))
        for holder in self._holders(rule, scope):
            holder[rule["path"].rpartition("/")[2]] = options[change]
        return True

    def _other_amount(self, rule: dict[str, Any], scope: Record, change: int) -> bool:
        """The other side of a sum: less of what is summed, or one more item in the rule's own list."""
        if change == 0 and rule.get("of"):
            path = listed(rule["of"])[0]
            put(scope, path, f"{Decimal(oracle.spots(scope, path)[0][1]) - Decimal('0.01'):.2f}")
            return True
        if change == 1 and "/" in rule["path"]:
            *holder, name, leaf = rule["path"].split("/")
            items = oracle.spots(scope, "/".join(holder))[0][1][name]
            limit = sum(map(Decimal, oracle.others(rule, scope)), Decimal(0))
            items.append(self._another(rule["path"].rpartition("/")[0], items[0]))
            for item in items:
                item[leaf] = f"{limit * Decimal('0.6'):.2f}"
            return True
        return False

    def _another(self, path: str, item: Record) -> Record:
        """A copy of an item that is not the same one by the rules that tell items apart."""
        made: Record = copied(item)
        for rule in self.rules:
            if rule["check"] == "unique" and rule["path"] == path:
                for name in listed(rule["of"]):
                    value = made.get(name, "")
                    right = digits.credit_code("9131000042501033")
                    made[name] = right if digits.is_credit(value) else value[:-1] + "9"
        return made

    def _candidates(self, node: Node | None) -> list[str]:
        return self.material.values_for(node) if node is not None else []

    @staticmethod
    def _holders(rule: dict[str, Any], scope: Record) -> list[Record]:
        """Whose field is set: of a list every item's where the rule counts them, else the first's."""
        holder = rule["path"].rpartition("/")[0]
        found = [one for _, one in oracle.spots(scope, holder)] if holder else [scope]
        return found if rule["check"] in ("marked-once", "includes-any") else found[:1]

    @staticmethod
    def _repeat(rule: dict[str, Any], scope: Record, change: int) -> bool:
        """Another item of the list with the first one's key, or the second one given it."""
        holder, _, name = rule["path"].rpartition("/")
        items = oracle.spots(scope, holder)[0][1][name] if holder else scope[name]
        keyed = next((one for one in items if any(field in one for field in listed(rule["of"]))), items[0])
        items.append(copied(keyed))
        return change == 0


_TRIES = 40


def _options(rule: dict[str, Any], scope: Record, pool: list[str]) -> Iterator[str]:
    """Values of the rule's own element that may break it. What does not is sorted out later."""
    given = oracle.others(rule, scope) if rule.get("with") != "today" else [f"{DAY:%Y%m%d}"]
    value = next((str(one) for _, one in oracle.spots(scope, rule["path"])), "")
    match rule["check"]:
        case "sum-equals" | "sum-at-most":
            total = sum(map(Decimal, given), Decimal(0))
            yield from (f"{total + Decimal(extra):.2f}" for extra in ("0.01", "1000.00", "-0.01"))
        case "number-at-most" | "count-equals":
            count = int(given[0]) if rule["check"] == "number-at-most" else len(given)
            yield from (str(count + 1), str(count + 7))
        case "not-after" | "within-days" | "not-before" if given:
            yield from _days(rule, given[0], value)
        case "marked-once":
            yield from ("0", "1")
        case "gbk-at-most":
            yield "汉" * (int(given[0]) // 2 + 1)
        case "differs":
            yield given[0]
        case "value-not-in":
            yield from rule["values"]
        case "equals" if rule.get("part"):
            kind, platform, day, serial, _ = value.split("-")
            for seed in ("1131000042501022", "9131000042501033"):
                yield digits.deal_code(kind, digits.credit_code(seed), day, serial)
        case "starts-with" if value.count("-") == 4 and len(value) == 40:
            _, platform, day, serial, _ = value.split("-")
            yield from (digits.deal_code(kind, platform, day, serial) for kind in ("D01", "A01", "B99"))
        case _:
            yield from pool
            yield from _bent(value)


def _bent(value: str) -> Iterator[str]:
    """Near values: a letter more, less or other at either end."""
    if value:
        first = "B" if value[0].isalpha() and value[0].isascii() else "9" if value[0] != "9" else "8"
        yield from (
            first + value[1:],
            value[:-1] + ("7" if value[-1] != "7" else "6"),
            value + "9",
            value[:-1],
        )
        yield from ("1234567", "12345678901234A", "上海他人有限公司")


def _days(rule: dict[str, Any], other: str, value: str) -> Iterator[str]:
    base = datetime.strptime((other + "0101")[:8], "%Y%m%d")
    steps = {"not-before": (-1, -400), "within-days": (rule.get("days", 0) + 1,)}.get(rule["check"], (1, 400))
    for step in steps:
        yield f"{base + timedelta(step):%Y%m%d%H%M%S}"[: len(value) or 8]


def _wrong_qr(rule: dict[str, Any], scope: Record, change: int) -> str:
    text = qr_of(scope)
    if rule["check"] == "qr-text":
        return (
            text[:-1] + digits.other(text[-1], "0123456789ABCDEF") if change == 0 else text[:-6] + text[-4:]
        )
    parts = text.split(",")[:7]
    at = ["", "kind", "code", "number", "amount", "day"].index(rule["with"])
    parts[at] = {"amount": "1.23", "day": "20240101"}.get(rule["with"], parts[at][:-1] + str(change))
    made = ",".join(parts) + ","
    return made + digits.crc(made)


def _names(place: Place) -> list[str]:
    return [part for part in place if isinstance(part, str)]


def differences(before: Any, after: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """The edits that make one record of another. A list of another length is replaced whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in before.keys() - after.keys():
            yield (*place, name), GONE
        for name, value in after.items():
            if name not in before:
                yield (*place, name), value
            elif before[name] != value:
                yield from differences(before[name], value, (*place, name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            if one != other:
                yield from differences(one, other, (*place, index))
    else:
        yield place, after
