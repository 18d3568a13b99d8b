"""Whether what an expression can give is what its place can take: enumerations, lengths, types, conditions.

A finding is an error where some valid message would come out wrong, or nothing valid could come out; a
warning where something written has no effect.
"""

from __future__ import annotations

from decimal import Decimal

from gateway.errors import Finding
from gateway.mapping import expression as ex
from gateway.mapping import plan
from gateway.mapping.element import Element, misfit
from gateway.mapping.model import Formula, did_you_mean
from gateway.mapping.outcomes import outcomes
from gateway.mapping.shapes import Shape, Shapes
from gateway.mapping.values import is_number

_SHOWN = 6
_DECIDED = ("never-true", "always-true", "constant-condition")


class Judge:
    """Of one file; adds to its findings."""

    def __init__(self, shapes: Shapes, findings: list[Finding]):
        self.shapes = shapes
        self.findings = findings
        self.direction = "in"  # what comes in is validated behind the mapping, what goes out is not

    def _find(
        self, formula: Formula, text: str, code: str, severity: str = "error", at: int | None = None
    ) -> None:
        at = formula.node.at if at is None else at
        self.findings.append(formula.spot.finding(text, code, at=at, severity=severity))

    # Values

    def value(self, value: plan.Expr, formula: Formula, element: Element | None) -> None:
        """One text that goes into a leaf of the target; of several that may, each."""
        if element is None or element.leaf is None:
            return
        branches = _branches(value)
        if len(branches) > 1:
            for one in branches:
                self.value(one, formula, element)
            return
        shape = self.shapes.of(value.value if isinstance(value, plan.Convert) else value)
        if isinstance(value, plan.Constant):
            wrong = self._misfit(str(value.value), element)
            if wrong:
                self._find(formula, f"{value.value!r} is not legal there: {wrong}", "bad-constant")
        elif shape.values is not None:
            self._values(shape, shape.values, formula, element)
        else:
            self._length(shape, formula, element)
            self._type(shape, formula, element)

    def needed(self, value: plan.Expr, formula: Formula, name: str) -> None:
        """A value that may be absent goes where the target needs one."""
        reason = self.shapes.lack(value)
        if reason:
            text = f"{name} is needed always, but {reason}; write | default(…), or absent: refuse"
            self._find(formula, text, "may-be-absent")

    def _values(self, shape: Shape, values: frozenset[str], formula: Formula, element: Element) -> None:
        bad = {one: self._misfit(one, element) for one in values if one}
        wrong = sorted(one for one, text in bad.items() if text)
        if not wrong:
            return
        code = "bad-table-value" if shape.title.startswith("code table") else "enumeration"
        names = ", ".join(wrong[:_SHOWN]) + (" …" if len(wrong) > _SHOWN else "")
        whose = f" of {shape.title}" if shape.title else ""
        text = f"{names}{whose} is not legal in {element.name}: {bad[wrong[0]]}"
        self._find(formula, text + ("" if code == "bad-table-value" else '; convert it with code("…")'), code)

    def _misfit(self, text: str, element: Element) -> str:
        """Why a text is not legal at a place; "" where it is."""
        assert element.leaf is not None
        wrong = misfit(text, element.leaf) or self._not_coded(text, element)
        if wrong or not element.gbk_max:
            return wrong
        try:
            length = len(text.encode("gbk"))
        except UnicodeEncodeError:
            return "only characters of GBK are expected"
        return f"at most {element.gbk_max} bytes of GBK are expected" if length > element.gbk_max else ""

    def _not_coded(self, text: str, element: Element) -> str:
        if not element.codes or element.codes not in self.shapes.codes:
            return ""
        rows = self.shapes.codes.get(element.codes).rows
        if text in rows:
            return ""
        hint = did_you_mean(text, rows)
        return f"a value of code table {element.codes} is expected{hint}"

    def _length(self, shape: Shape, formula: Formula, element: Element) -> None:
        leaf = element.leaf
        assert leaf is not None
        if not shape.known or not leaf.takes_any_text:
            return
        most = leaf.max_length
        source = shape.title or "the value"
        gbk = element.gbk_max
        if gbk and (shape.longest_gbk is None or shape.longest_gbk > gbk):
            length = f"up to {shape.longest_gbk}" if shape.longest_gbk is not None else "any number of"
            cut = f'{gbk}, encoding:"GBK"'
            text = f"{element.name} holds {gbk} bytes of GBK, {source} has {length}"
        elif most is not None and (shape.most is None or shape.most > most):
            length = f"up to {shape.most}" if shape.most is not None else "any number of"
            cut = str(most)
            text = f"{element.name} holds {most} characters, {source} has {length}"
        else:
            return
        self._find(formula, f"{text}; write | cut({cut}) or | fit({cut})", "too-long")

    def _type(self, shape: Shape, formula: Formula, element: Element) -> None:
        leaf = element.leaf
        assert leaf is not None
        source = shape.title or "the value"
        if not shape.samples and leaf.is_number and shape.known:
            text = f"{element.name} takes a number (xs:{leaf.base}), {source} is any text; write | fixed(…) or | round(…)"
            self._find(formula, text, "type-mismatch", "error" if self.direction == "out" else "warning")
            return
        if not shape.samples or any(map(leaf.fits, shape.samples)):
            return
        text = f"{source} like {shape.samples[0]!r} does not fit {element.name}: {misfit(shape.samples[0], leaf)}"
        self._find(formula, f"{text}; convert it", "type-mismatch")

    # Conditions and tables

    def compared(self, operator: str, left: plan.Expr, right: plan.Expr, formula: Formula, at: int) -> None:
        """A comparison that comes out the same whatever the message says."""
        if isinstance(left, plan.Constant) and isinstance(right, plan.Constant):
            self._find(formula, "compares two constants: always the same", "constant-condition", at=at)
        elif plan.key(left) is not None and plan.key(left) == plan.key(right):
            self._find(formula, "compares a value with itself", "constant-condition", at=at)
        elif operator in ("=", "!="):
            for one, other in ((left, right), (right, left)):
                if isinstance(other, plan.Constant):
                    self.option(one, other, formula, at)

    def option(self, value: plan.Expr, option: plan.Expr, formula: Formula, at: int) -> None:
        """A value is held against a constant that it can never be."""
        if not isinstance(option, plan.Constant) or isinstance(value, plan.Constant):
            return
        shape = self.shapes.of(value)
        title, text = shape.title or "the value", str(option.value)
        if not text:
            wrong = f"{title} is never equal to the empty text, which counts as absent; write exists(…)"
            self._find(formula, wrong, "never-true", "warning", at)
            return
        if isinstance(option.value, Decimal):
            texts = shape.values or ()
            if not texts or any(is_number(one) and Decimal(one) == option.value for one in texts):
                return
            wrong = f"{title} is never {text}, but one of {', '.join(sorted(texts)[: _SHOWN * 2])}"
        elif shape.values is not None:
            if text in shape.values:
                return
            known = ", ".join(sorted(shape.values)[: _SHOWN * 2])
            wrong = f"{title} is never {text!r}, but one of {known}{did_you_mean(text, shape.values)}"
        else:
            leaf = value.kind.element.leaf if value.kind.element is not None else None
            reason = misfit(text, leaf) if leaf is not None and isinstance(value, plan.Step) else ""
            if not reason:
                return
            wrong = f"{title} is never {text!r}: {reason}"
        self._find(formula, wrong, "never-true", at=at)

    def decided(self, condition: plan.Expr, formula: Formula, at: int) -> None:
        """A condition that no message fulfils, or every one. Once a formula: what is around it follows."""
        own = formula.spot.finding("", "", at=at)
        known = {
            one.severity
            for one in self.findings
            if one.code.rpartition(".")[2] in _DECIDED and (one.file, one.line) == (own.file, own.line)
        }
        if "error" in known:
            return
        found = outcomes(condition, self.shapes)
        if found == {False}:
            self._find(formula, "no message fulfils this condition", "never-true", at=at)
        elif found == {True} and not known:
            text = "every message fulfils this condition; leave it out"
            self._find(formula, text, "always-true", "warning", at)

    def options(
        self, value: plan.Expr, options: tuple[plan.Expr, ...], formula: Formula, nodes: tuple[ex.Node, ...]
    ) -> None:
        seen: set[object] = set()
        for option, node in zip(options, nodes, strict=True):
            self.option(value, option, formula, node.at)
            if isinstance(option, plan.Constant):
                if option.value in seen:
                    self._find(
                        formula, f"{option.value!r} stands twice", "duplicate-option", "warning", node.at
                    )
                seen.add(option.value)

    def counted(self, value: plan.Expr, formula: Formula, at: int) -> None:
        """A text that is counted with, and can never be a number."""
        shape = self.shapes.of(value)
        texts = shape.samples or tuple(sorted(shape.values or ()))
        if texts and not any(map(is_number, texts)):
            text = f"expected a number, got {shape.title or 'a text'} like {texts[0]!r}"
            self._find(formula, text, "not-a-number", at=at)

    def always(self, value: plan.Expr, formula: Formula, at: int, what: str, code: str) -> None:
        """Something is written for a value that is absent, which this one never is."""
        shape = self.shapes.of(value)
        if not shape.optional and shape.known:
            self._find(
                formula, f"{shape.title or 'the value'} is never absent, so {what}", code, "warning", at
            )

    def coded(self, call: plan.Call, formula: Formula, at: int, is_own: bool) -> None:
        """The rows of a code table against the values that the source can have, both ways."""
        subject = call.arguments[0]
        shape = self.shapes.of(subject) if subject is not None else Shape()
        rows, table = call.constants["rows"], call.constants["table"]
        if shape.values is None or isinstance(subject, plan.Constant):
            return
        values = shape.values - {""}
        has_else = len(call.arguments) > 1 and call.arguments[1] is not None
        missing, spare = sorted(values - rows.keys()), sorted(rows.keys() - values)
        if missing and not has_else:
            names = ", ".join(missing[:_SHOWN]) + (" …" if len(missing) > _SHOWN else "")
            text = f"{table} has no row for {names}, which {shape.title or 'the value'} can be"
            self._find(formula, f"{text}; add it, or write else:", "missing-row", at=at)
        if has_else and not missing:
            text = (
                f"{table} has a row for every value of {shape.title or 'the source'}, so else: is never used"
            )
            self._find(formula, text, "dead-else", "warning", at)
        if spare and is_own:
            text = f"{shape.title or 'the value'} is never {', '.join(spare[:_SHOWN])}: rows of {table} without use"
            self._find(formula, text, "dead-row", "warning", at)


def _branches(value: plan.Expr) -> tuple[plan.Expr, ...]:
    match value:
        case plan.Choose():
            return (value.then, value.otherwise) if value.otherwise is not None else (value.then,)
        case plan.Default():
            return (value.value, value.otherwise)
        case plan.Convert(to="text"):
            return _branches(value.value)
        case _:
            return (value,)
