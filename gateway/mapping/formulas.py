"""Expressions of a plan as Python. An atom is a variable or a literal; a test is what stands after `if`."""

from __future__ import annotations

from gateway.mapping import plan
from gateway.mapping.lines import Frame, Lines


class Formulas(Lines):
    def __init__(self) -> None:
        super().__init__()
        self._keep = False  # whether empty text is a value, for the field under way
        self._lets: dict[int, str] = {}
        self._below_lets: dict[int, list[str]] = {}

    def _present(self, atom: str, node: plan.Expr) -> str:
        if isinstance(node, plan.Constant):
            return "True" if self._keep or node.value != "" else "False"
        if plan.is_certain(node):
            return "True"
        if node.kind.name == "number" or (self._keep and node.kind.name in ("text", "any")):
            return f"{atom} is not None"
        return atom

    def _atom(self, node: plan.Expr) -> str:
        """What is known already is not computed again; what is the same for every item of a loop is
        computed before it. A fault that this brings forward stops the function, and the tracer, which
        computes what it needs and no more, tells whether it is one."""
        if not isinstance(node, plan.COMPUTED) or _beginning(node) is not None:
            return self._made(node)
        own = plan.key(node)
        if own is None:
            return self._made(node)
        key = (self._keep, own)
        for frame in reversed(self._frames):
            for layer in reversed(frame.known):
                known: str | None = layer.get(key)
                if known is not None:
                    return known
        number = self._loop_to_leave(node)
        if number is None:
            name = self._made(node)
            self._frames[-1].known[-1][key] = name
            return name
        with self._outside_of(number):
            self._atom(node)
        return self._atom(node)

    def _loop_to_leave(self, node: plan.Expr) -> int | None:
        """The outermost loop around that a value does not depend on. What could fail is not computed
        for every message where only some ask for it."""
        for number in range(plan.deepest(node) + 1, len(self._frames)):
            if self._frames[number].is_loop:
                asked_always = all(len(frame.known) == 1 for frame in self._frames[number:])
                return number if asked_always or not plan.can_fail(node) else None
        return None

    def _made(self, node: plan.Expr) -> str:
        match node:
            case plan.Constant():
                if isinstance(node.value, str):
                    return repr(node.value)
                return self._constant(node.value, "k")
            case plan.Current():
                return self._frames[node.scope].item
            case plan.Part():
                return self._frames[node.scope].parts[node.index]
            case plan.Position():
                self._frames[node.scope].counts = True
                return f"Decimal({self._frames[node.scope].position})"
            case plan.Let():
                return self._lets[node.index]
            case plan.Outside():
                return self._outside(node)
            case plan.Step():
                return self._step(node)
            case plan.Pick():
                return self._pick(node)
            case plan.Filter():
                return self._filter(node)
            case plan.Zip():
                return self._assign(f"zipped({', '.join(self._atom(one) for one in node.parts)})")
            case plan.Count():
                return self._assign(f"Decimal(len({self._atom(node.base)}))")
            case plan.Call():
                return self._call(node)
            case plan.Choose():
                return self._choose(node)
            case plan.Default():
                return self._default(node)
            case plan.Concat():
                return self._concat(node)
            case plan.Convert():
                return self._convert(node)
            case _:
                return self._assign(self._test(node))

    def _pick(self, node: plan.Pick) -> str:
        listed = self._atom(node.base)
        if node.only:
            picked = f"only({listed})"
        elif node.index == 1:
            picked = f"{listed}[0] if {listed} else None"
        else:
            picked = f"{listed}[{node.index - 1}] if len({listed}) >= {node.index} else None"
        return self._assign(picked) if _makes_texts(node.base) else self._shaped(picked, node)

    def _trial(self, node: plan.Expr) -> tuple[str, list[str]]:
        """An atom and the lines that it takes, which are still to be written."""
        lines: list[str] = []
        with self._into(lines, self._indent):
            atom = self._atom(node)
        return atom, lines

    def _assign(self, text: str) -> str:
        name = self._name("v")
        self._line(f"{name} = {text}")
        return name

    def _shaped(self, text: str, node: plan.Expr) -> str:
        """Assigns a raw value and holds it to its kind."""
        name, kind = self._assign(text), node.kind
        if kind.name == "text":
            self._line(f"if {name}.__class__ is not str and {name} is not None: {name} = leaf({name})")
        elif kind.name == "record":
            self._line(self._record_check(name, kind))
        elif kind.item is not None:
            self._line(f"if {name}.__class__ is not list: {name} = items({name})")
            if kind.item.name == "text":
                self._line(f"{name} = leaves({name})")
        return name

    def _outside(self, node: plan.Outside) -> str:
        top = self._frames[0]
        key = (node.where, node.name)
        if key not in top.loaded:
            with self._into(top.pre, 1):
                at = f"{node.where}.get({node.name!r})"
                top.loaded[key] = self._shaped(
                    f"{at} if origin else None" if node.where == "origin" else at, node
                )
        return top.loaded[key]

    def _step(self, node: plan.Step) -> str:
        if node.base.kind.is_list:
            return self._flattened(node)
        begin = _beginning(node)
        if begin is None:
            return self._shaped(self._loaded(node), node)
        scope, path = begin
        frame, key = self._frames[scope], (*path, node.kind.name)
        if key not in frame.loaded:
            start = _start(node)
            lines = self._below_lets[start.index] if isinstance(start, plan.Let) else frame.pre
            with self._into(lines, frame.indent):
                frame.loaded[key] = self._shaped(self._loaded(node, frame), node)
        return frame.loaded[key]

    def _loaded(self, node: plan.Step, frame: Frame | None = None) -> str:
        """The text that reads a field; in a frame the record's `get` is bound once."""
        base = self._atom(node.base)
        if node.base.kind.name == "any":
            return f"{base}.get({node.name!r}) if {base}.__class__ is dict else walk({base}, {node.name!r})"
        if frame is None:
            return f"{base}.get({node.name!r})"
        getter = frame.loaded.get(("get", base))
        if getter is None:
            getter = frame.loaded["get", base] = self._name("g")
            self._line(f"{getter} = {base}.get")
        return f"{getter}({node.name!r})"

    def _flattened(self, node: plan.Step) -> str:
        """One name below each record of a list; absent ones keep their place."""
        listed, made = self._atom(node.base), self._name("l")
        kind = node.kind.item
        item = node.base.kind.item
        assert kind is not None and item is not None
        self._line(f"{made} = []")
        repeated = kind.element is not None and kind.element.is_list
        one = self._name("i")
        self._spend(listed)
        with self._under(f"for {one} in {listed}:"):
            if item.name == "any":
                self._line(f"{made} += items(walk({one}, {node.name!r}))")
                return made
            self._line(self._record_check(one, item))
            if repeated:
                self._line(f"{made} += items({one}.get({node.name!r}))")
            else:
                self._line(f"{made}.append({one}.get({node.name!r}))")
        if kind.name == "text":
            self._line(f"{made} = leaves({made})")
        return made

    def _filter(self, node: plan.Filter) -> str:
        listed, made = self._atom(node.base), self._name("l")
        self._line(f"{made} = []")
        with self._loop(node.base, listed):
            test = self._test(node.condition)
            self._line(f"if {test}: {made}.append({self._frames[-1].item})")
        return made

    def _call(self, node: plan.Call) -> str:
        absent = {"boolean": "False", "list": "[]"}.get(node.kind.name, "None")
        first = node.arguments[0]
        assert first is not None
        subject = self._atom(first)
        test = self._present(subject, first)
        run = self._constant(node.run, "f") if node.inline is None else ""
        lines: list[str] = []
        with self._into(lines, self._indent + 1):
            self._frames[-1].known.append({})
            given = [subject]
            for argument, optional in zip(node.arguments[1:], node.optional[1:], strict=True):
                atom = self._atom(argument) if argument is not None else "None"
                if argument is not None and not optional and not isinstance(argument, plan.Constant):
                    self._line(f"if not ({self._present(atom, argument)}): raise GAP")
                given.append(atom)
            self._frames[-1].known.pop()
        made = node.inline(subject) if node.inline is not None else f"{run}({', '.join(given)})"
        if not lines:
            return self._assign(made if test == "True" else f"{made} if {test} else {absent}")
        found = self._assign(absent)
        self._line(f"if {test}:")
        self._out += lines
        self._line(f"    {found} = {made}")
        return found

    def _choose(self, node: plan.Choose) -> str:
        test, found = self._test(node.condition), self._name("v")
        absent = "()" if node.kind.is_list else "{}" if node.kind.name == "record" else "None"
        self._branches(found, test, node.then, node.otherwise, absent)
        return found

    def _default(self, node: plan.Default) -> str:
        found, value = self._name("v"), self._atom(node.value)
        self._branches(found, self._present(value, node.value), node.value, node.otherwise, "None")
        return found

    def _branches(
        self, found: str, test: str, then: plan.Expr, otherwise: plan.Expr | None, absent: str
    ) -> None:
        """One of two values; in one line where neither takes lines of its own."""
        atoms: list[str] = []
        lines: list[list[str]] = []
        for branch in (then, otherwise):
            self._indent += 1
            self._frames[-1].known.append({})
            atom, taken = self._trial(branch) if branch is not None else (absent, [])
            self._frames[-1].known.pop()
            self._indent -= 1
            atoms.append(atom)
            lines.append(taken)
        if not any(lines):
            short = atoms[0] == test
            self._line(
                f"{found} = {test} or {atoms[1]}"
                if short
                else f"{found} = {atoms[0]} if {test} else {atoms[1]}"
            )
            return
        for opening, atom, taken in zip((f"if {test}:", "else:"), atoms, lines, strict=True):
            self._line(opening)
            self._out += taken
            self._line(f"    {found} = {atom}")

    def _concat(self, node: plan.Concat) -> str:
        atoms = [self._atom(one) for one in node.parts]
        tests = [
            self._present(atom, one)
            for atom, one in zip(atoms, node.parts, strict=True)
            if not (isinstance(one, plan.Constant) and one.value)
        ]
        text = f"concat({', '.join(atoms)})"
        return self._assign(f"{text} if {' and '.join(tests)} else None" if tests else text)

    def _convert(self, node: plan.Convert) -> str:
        value, inner = self._atom(node.value), node.value
        match node.to:
            case "any":
                return value
            case "text":
                return self._assign(f"{value} if {value}.__class__ is str else as_text({value})")
            case "number":
                return self._assign(f"number({value}) if {self._present(value, inner)} else None")
            case "list" if inner.kind.name == "record":
                return self._assign(f"[{value}] if {value} else []")
            case "list":
                return self._assign(f"items({value})")
            case "texts":
                self._spend(value)
                return self._assign(f"as_texts({value})")
            case _:
                self._spend(value)
                return self._assign(f"as_numbers({value})")

    # Conditions

    def _test(self, node: plan.Expr) -> str:
        match node:
            case plan.Compare():
                return self._compare(node)
            case plan.Among():
                value = self._atom(node.value)
                options = [self._atom(one) for one in node.options]
                return f"({value} and {value} in ({', '.join(options)},))"
            case plan.Logic():
                return f"({self._test(node.left)} {node.operator} {self._test(node.right)})"
            case plan.Not():
                return f"(not {self._test(node.inner)})"
            case plan.Exists():
                if node.inner.kind.is_list:
                    return f"any({self._atom(node.inner)})"
                return f"({self._present(self._atom(node.inner), node.inner)})"
            case _:
                return self._atom(node)

    def _compare(self, node: plan.Compare) -> str:
        left, right = self._atom(node.left), self._atom(node.right)
        operator = {"=": "==", "!=": "=="}.get(node.operator, node.operator)
        tests = [
            self._present(atom, one)
            for atom, one in ((left, node.left), (right, node.right))
            if not plan.is_certain(one)
        ]
        text = " and ".join([*tests, f"{left} {operator} {right}"])
        return f"(not ({text}))" if node.operator == "!=" else f"({text})"


def _makes_texts(node: plan.Expr) -> bool:
    """Whether the items of a list were made, or held to be texts, already."""
    item = node.kind.item
    return item is not None and item.name == "text" and not isinstance(node, plan.Filter | plan.Step)


def _start(node: plan.Expr) -> plan.Expr:
    while isinstance(node, plan.Step):
        node = node.base
    return node


def _beginning(node: plan.Expr) -> tuple[int, tuple[str, ...]] | None:
    """The scope whose record a chain of single steps starts from, and the chain's names; None where it
    starts from a value that is made on the way."""
    names: list[str] = []
    while isinstance(node, plan.Step) and node.base.kind.name in ("record", "any"):
        names.append(node.name)
        node = node.base
    path = tuple(reversed(names))
    match node:
        case plan.Current():
            return node.scope, ("item", *path)
        case plan.Let():
            return 0, (f"let {node.name}", *path)
        case plan.Outside():
            return 0, (node.where, node.name, *path)
        case _:
            return None
