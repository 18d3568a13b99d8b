"""Makes the rest of a record right again after one thing was changed on purpose."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from gateway.selftest import digits, oracle
from gateway.selftest.material import DAY, Material, Record, listed
from gateway.selftest.schemas import Node

_ROUNDS = 6


class Repairer:
    """For the records of one type. `keep`: paths (without indexes) that must stay as they are."""

    def __init__(self, material: Material, root: Node, rules: list[dict[str, Any]]):
        self.material = material
        self.root = root
        self.rules = rules

    def repaired(self, record: Record, keep: set[str], but: str = "") -> bool:
        """Changes the record in place until only the rule `but` may be broken; False where that fails."""
        for step in range(_ROUNDS):
            wrong = [rule for rule in self.rules if rule["id"] != but and any(oracle.breaches(rule, record))]
            if not wrong:
                return True
            if step == _ROUNDS // 2:
                self._give_up(record, wrong, keep)
                continue
            for rule in wrong:
                each = rule.get("each", "")
                for _, scope in oracle.scopes(rule, record):
                    if oracle.applies(rule, scope):
                        self._mend(rule, scope, f"{each}/" if each else "", keep)
        return False

    def _give_up(self, record: Record, wrong: list[dict[str, Any]], keep: set[str]) -> None:
        """Leaves out the optional elements whose rules could not be kept."""
        for name in {(rule.get("each") or rule["path"]).split("/")[0] for rule in wrong}:
            node = self.root.child(name)
            if node is not None and not node.least and not any(one.split("/")[0] == name for one in keep):
                record.pop(name, None)

    def _mend(self, rule: dict[str, Any], scope: Record, prefix: str, keep: set[str]) -> None:
        path, check = rule["path"], rule["check"]
        if prefix + path in keep:
            self._other_side(rule, scope, prefix, keep)
            return
        match check:
            case "required-when":
                fill(self.material, self.root, scope, prefix, path)
            case "forbidden-when" | "at-most-one":
                drop(scope, path)
            case "sum-equals":
                put(scope, path, str(sum(map(Decimal, oracle.others(rule, scope)), Decimal("0.00"))))
            case "sum-at-most":
                self._lower(rule, scope, path)
            case "count-equals":
                put(scope, path, str(len(oracle.others(rule, scope))))
            case "value-in":
                put(scope, path, rule["values"][0])
            case "value-not-in":
                put(scope, path, "1.00")
            case "equals" | "starts-with" if rule.get("part") is None:
                put(scope, path, self._beginning(prefix + path, oracle.others(rule, scope)[0]))
            case "composed":
                parts = "".join(oracle.spots(scope, one)[0][1] for one in listed(rule["of"]))
                put(scope, path, parts + str(rule.get("with", "")))
            case "not-after":
                self._dates(rule, scope, path)
            case "qr-text" | "qr-part":
                put(scope, path, qr_of(scope))
            case "marked-once":
                for index, (_, holder) in enumerate(oracle.spots(scope, path.rpartition("/")[0])):
                    holder[path.rpartition("/")[2]] = "0" if index else "1"
            case "count-at-most":
                holder, _, name = path.rpartition("/")
                del oracle.spots(scope, holder)[0][1][name][int(rule["with"]) :]

    def _beginning(self, path: str, start: str) -> str:
        """A value of the element that begins so, of its code table where it has one."""
        node = self.root.at(path)
        codes = self.material.values_for(node) if node is not None and node.codes else []
        return next((code for code in codes if code.startswith(start)), start)

    def _other_side(self, rule: dict[str, Any], scope: Record, prefix: str, keep: set[str]) -> None:
        """The rule's own element must stay: what it is compared with follows it."""
        others = listed(rule.get("of", []))
        if rule["check"] in ("equals", "starts-with") and len(others) == 1 and prefix + others[0] not in keep:
            put(scope, others[0], oracle.spots(scope, rule["path"])[0][1])
        if rule["check"] == "at-most-one":
            for path in others:
                drop(scope, path)

    def _lower(self, rule: dict[str, Any], scope: Record, path: str) -> None:
        """Each amount gets its part of what is allowed together."""
        limit = sum(map(Decimal, oracle.others(rule, scope)), Decimal(0))
        holder, _, name = path.rpartition("/")
        holders = [one for _, one in oracle.spots(scope, holder)] if holder else [scope]
        for one in holders:
            one[name] = f"{int(limit * 100) // len(holders) / Decimal(100):.2f}"

    def _dates(self, rule: dict[str, Any], scope: Record, path: str) -> None:
        given = "today" if rule.get("with") else oracle.others(rule, scope)[0]
        other = f"{DAY - timedelta(1):%Y%m%d}" if given == "today" else given
        for _, value in oracle.spots(scope, path):
            put(scope, path, (other + "0" * 14)[: len(value)])
            return


def put(scope: Record, path: str, value: Any) -> None:
    holder: Any = scope
    *names, last = path.split("/")
    for name in names:
        holder = holder[name][0] if isinstance(holder[name], list) else holder[name]
    holder[last] = value


def drop(scope: Record, path: str) -> None:
    holder: Any = scope
    *names, last = path.split("/")
    for name in names:
        holder = holder[name][0] if isinstance(holder[name], list) else holder[name]
    holder.pop(last, None)


def fill(material: Material, root: Node, scope: Record, prefix: str, path: str) -> bool:
    """Puts something valid at a path of one level or more; False where nothing is known to put there."""
    holder: Any = scope
    names = path.split("/")
    for depth, name in enumerate(names):
        node = root.at(prefix + "/".join(names[: depth + 1]))
        if node is None:
            return False
        if name not in holder:
            value = material.filled(node)
            if value is None:
                return False
            holder[name] = [value] if node.most > 1 else value
        holder = holder[name][0] if node.most > 1 else holder[name]
    return True


def qr_of(scope: Record) -> str:
    """The QR text that fits an invoice."""
    number = scope.get("EInvoiceNo") or scope.get("InvoiceNo", "")
    amount = scope["AmountWithTax"] if scope.get("EInvoiceNo") else scope["AmountWithoutTax"]
    parts = ["01", scope["InvoiceKind"], scope.get("InvoiceCode", ""), number, amount, scope["IssueDate"], ""]
    text = ",".join(parts) + ","
    return text + digits.crc(text)
