"""What each place can take: text, number, condition or list. Nothing is converted silently: texts become
numbers where numbers are counted with, numbers texts where they are written; all else is a finding."""

from __future__ import annotations

from decimal import Decimal

from gateway.errors import Finding
from gateway.mapping import expression as ex
from gateway.mapping import plan
from gateway.mapping.judge import Judge
from gateway.mapping.kinds import ANY, BOOLEAN, NUMBER, TEXT, Kind, list_of
from gateway.mapping.model import Formula
from gateway.mapping.values import Wrong, number, plain

TEXTS = list_of(TEXT)
NUMBERS = list_of(NUMBER)
_TO_ONE = "use first, only, join or sum"


class Coercer:
    """Collects findings; the expression under the finger is `formula`."""

    judge: Judge

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.formula: Formula | None = None

    def find(self, node: ex.Node | ex.Step, text: str, code: str, *, severity: str = "error") -> None:
        assert self.formula is not None
        self.findings.append(self.formula.spot.finding(text, code, at=node.at, severity=severity))

    def _errors(self) -> int:
        return sum(one.severity == "error" for one in self.findings)

    def text(self, value: plan.Expr | None, node: ex.Node) -> plan.Expr | None:
        """As one text."""
        if value is None or value.kind.name == "text":
            return value
        if isinstance(value, plan.Constant) and isinstance(value.value, Decimal):
            return plan.Constant(plain(value.value), TEXT)
        if value.kind.name in ("number", "any"):
            return plan.Convert(value, "text", TEXT)
        if value.kind.is_list:
            self.find(node, f"expected one value, got {value.kind}; {_TO_ONE}", "list-into-single")
        else:
            self.find(node, f"expected a text, got {value.kind}{_advice(value.kind)}", "wrong-kind")
        return None

    def number(self, value: plan.Expr | None, node: ex.Node) -> plan.Expr | None:
        if value is None or value.kind.name == "number":
            return value
        if isinstance(value, plan.Constant) and isinstance(value.value, str):
            try:
                return plan.Constant(number(value.value), NUMBER)
            except Wrong:
                self.find(node, f"expected a number, got {value.value!r}", "wrong-kind")
                return None
        if value.kind.name in ("text", "any"):
            as_text = self.text(value, node)
            if as_text is not None and self.formula is not None:
                self.judge.counted(as_text, self.formula, node.at)
            return plan.Convert(as_text, "number", NUMBER) if as_text is not None else None
        if value.kind.is_list:
            self.find(node, f"expected one number, got {value.kind}; {_TO_ONE}", "list-into-single")
        else:
            self.find(node, f"expected a number, got {value.kind}", "wrong-kind")
        return None

    def condition(self, value: plan.Expr | None, node: ex.Node) -> plan.Expr | None:
        if value is not None and value.kind.name == "boolean" and self.formula is not None:
            self.judge.decided(value, self.formula, node.at)
        if value is None or value.kind.name == "boolean":
            return value
        text = f"expected a condition, got {value.kind}; compare it, or ask exists(…)"
        self.find(node, text, "wrong-kind")
        return None

    def items(self, value: plan.Expr | None, node: ex.Node) -> plan.Expr | None:
        """As a list. A value that cannot repeat is a finding: it would always be one."""
        if value is None or value.kind.is_list:
            return value
        if value.kind.name == "any":
            return plan.Convert(value, "list", list_of(ANY))
        self.find(node, f"expected a list, got {value.kind}, which does not repeat", "single-into-list")
        return None

    def texts(self, value: plan.Expr | None, node: ex.Node) -> plan.Expr | None:
        found = self.items(value, node)
        item = found.kind.item if found is not None else None
        if found is None or item is None or item.name == "text":
            return found
        if item.name in ("any", "number"):
            return plan.Convert(found, "texts", TEXTS)
        self.find(node, f"expected a list of texts, got {found.kind}", "wrong-kind")
        return None

    def numbers(self, value: plan.Expr | None, node: ex.Node) -> plan.Expr | None:
        found = self.items(value, node)
        if found is not None and found.kind.item is not None and found.kind.item.name == "number":
            return found
        as_texts = self.texts(found, node)
        return plan.Convert(as_texts, "numbers", NUMBERS) if as_texts is not None else None

    def as_kind(self, value: plan.Expr | None, kind: Kind, node: ex.Node) -> plan.Expr | None:
        """As a parameter of this kind takes it."""
        if kind.is_list:
            if kind.item == TEXT:
                return self.texts(value, node)
            return self.numbers(value, node) if kind.item == NUMBER else self.items(value, node)
        if kind == TEXT:
            return self.text(value, node)
        if kind == NUMBER:
            return self.number(value, node)
        return self.condition(value, node) if kind == BOOLEAN else value

    def alike(
        self, left: plan.Expr | None, right: plan.Expr | None, left_node: ex.Node, right_node: ex.Node
    ) -> tuple[plan.Expr, plan.Expr] | None:
        """Two alternatives as one kind."""
        if left is None or right is None:
            return None
        if left.kind == right.kind or (left.kind.name == right.kind.name == "record"):
            return left, right
        if left.kind.is_list and right.kind.is_list:
            first, second = self.texts(left, left_node), self.texts(right, right_node)
        elif (left.kind.name == "any" and right.kind.name in ("record", "any")) or (
            right.kind.name == "any" and (left.kind.name == "record")
        ):
            first, second = plan.Convert(left, "any", ANY), plan.Convert(right, "any", ANY)
        else:
            first, second = self.text(left, left_node), self.text(right, right_node)
        return (first, second) if first is not None and second is not None else None


def _advice(kind: Kind) -> str:
    return {
        "boolean": '; write if(…, "1", "0")',
        "record": "; name one of its fields",
        "zip": "; name its part, $1",
    }.get(kind.name, "")
