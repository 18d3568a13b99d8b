"""The ground on which a message is judged: the rows that its rules may read and change.

A store loads what `process.needs` names, under lock, for a whole batch; `process.decide` judges one
message after the other on an overlay, which is kept if the message is accepted and thrown away if not
(DESIGN.md promise 7). So the rules are plain functions over rows, the same on every database.
All amounts are integers in fen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract that payments are made on. `tenderers` and `winners` are party codes, lead first."""

    no: str
    owner: str  # the sub-platform that registered it
    unified_deal_code: str
    section_code: str
    tenderers: tuple[str, ...]
    winners: tuple[str, ...]
    price_fen: int
    adm_div: str  # PayAdmDivCode: the finance bureau that pays
    project_kind: str
    project_level: str = ""
    state: str = "live"  # live | ended
    open_fen: int = 0  # applied for, neither paid nor ended
    paid_fen: int = 0
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Application:
    """A payment application 支付申请; `state` is a code of CT-STATUS."""

    no: str
    contract_no: str
    state: str
    owner: str  # the contract's sub-platform
    tenderer: str
    payees: tuple[str, ...]
    adm_div: str
    project_kind: str
    st_year: str
    app_fen: int
    open_fen: int
    approved_fen: int = 0
    paid_fen: int = 0
    refunded_fen: int = 0
    round: int = 0  # of the tenderee's review
    review_result: str = ""  # of the last tenderee review: 1 2 3
    treasury: str = ""
    voucher_no: str = ""
    withdrawal: str = ""  # "" | asked (waits for the treasury's receipt)
    version: int = 1
    state_at: int = 0  # ms
    opened_at: int = 0  # ms
    message_id: str = ""
    node_key: str = ""  # ContractNo|PlanNo|PeriodNo: one open application a payment node
    # the last StatusSeq applied by sender, and under "4002" the BizVersion of the last push
    seqs: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class BusinessObject:
    """Anything else that messages refer to: project, tender-project, deal, award, subject, account, voucher,
    payees, invoice-check, reversal, payment, refund. `data` holds a few text fields that rules read."""

    kind: str
    key: str
    owner: str
    parent: str = ""
    data: Mapping[str, str] = field(default_factory=dict)
    message_id: str = ""

    @property
    def is_withdrawn(self) -> bool:
        """Was it revoked (OperType 3)? It stays in the books and counts as unknown."""
        return self.data.get("withdrawn") == "1"


@dataclass(frozen=True, slots=True)
class InvoiceUse:
    """How much of an invoice an application uses. `invoice` is one of its numbers, or `digest:<hex>` of a
    scan: an application has a row for each of them."""

    invoice: str
    app_no: str
    total_fen: int
    used_fen: int
    live: bool = True


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One line of an application's trace. `applied` is False for what came late or out of order."""

    app_no: str
    msg_no: str
    old_state: str
    new_state: str
    at: int  # ms
    node: str = ""
    result: str = ""
    reason: str = ""
    org: str = ""
    applied: bool = True
    message_id: str = ""


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Needs:
    """The keys of the rows that a message's rules read. The store adds, by itself, the contracts and
    invoice uses of the applications, the contracts of the deals, and `open_nodes` holders."""

    applications: frozenset[str] = frozenset()
    contracts: frozenset[str] = frozenset()
    deals: frozenset[str] = frozenset()  # unified deal codes → their contracts
    objects: frozenset[tuple[str, str]] = frozenset()  # (kind, key)
    invoices: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()  # Application.node_key of live applications

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            self.applications | other.applications,
            self.contracts | other.contracts,
            self.deals | other.deals,
            self.objects | other.objects,
            self.invoices | other.invoices,
            self.nodes | other.nodes,
        )


NO_NEEDS = Needs()


class Ground:
    """Loaded rows with an overlay of changes. Not thread-safe; lives for one transaction.

    `begin()` opens an overlay for one message; `keep()` makes its changes part of the ground,
    `drop()` forgets them. `changed_*` list what must be written at the end of the batch.
    """

    def __init__(self) -> None:
        self._contracts: dict[str, Contract] = {}
        self._applications: dict[str, Application] = {}
        self._objects: dict[tuple[str, str], BusinessObject] = {}
        self._uses: dict[tuple[str, str], InvoiceUse] = {}
        self._by_deal: dict[str, str] = {}
        self._by_node: dict[str, str] = {}
        self._pending: list[Contract | Application | BusinessObject | InvoiceUse] = []
        self._steps: list[TraceStep] = []
        self._undo: list[tuple[dict[object, object], object, object | None]] = []
        self.changed: dict[tuple[str, object], Contract | Application | BusinessObject | InvoiceUse] = {}
        self.trace: list[TraceStep] = []

    # loading, by the store
    def load(self, rows: Iterable[Contract | Application | BusinessObject | InvoiceUse]) -> None:
        for row in rows:
            self._place(row, None)

    # reading, by the rules
    def contract(self, no: str) -> Contract | None:
        return self._contracts.get(no)

    def contract_of_deal(self, unified_deal_code: str) -> Contract | None:
        return self._contracts.get(self._by_deal.get(unified_deal_code, ""))

    def application(self, no: str) -> Application | None:
        return self._applications.get(no)

    def application_at_node(self, node_key: str) -> Application | None:
        return self._applications.get(self._by_node.get(node_key, ""))

    def find(self, kind: str, key: str) -> BusinessObject | None:
        return self._objects.get((kind, key))

    def uses_of(self, invoice: str) -> list[InvoiceUse]:
        return [use for use in self._uses.values() if use.invoice == invoice and use.live]

    def uses_by(self, app_no: str) -> list[InvoiceUse]:
        return [use for use in self._uses.values() if use.app_no == app_no and use.live]

    # changing, by the rules
    def put(self, row: Contract | Application | BusinessObject | InvoiceUse) -> None:
        self._pending.append(row)
        self._place(row, self._undo)

    def add_step(self, step: TraceStep) -> None:
        self._steps.append(step)

    def end_uses(self, app_no: str) -> None:
        for use in self.uses_by(app_no):
            self.put(replace(use, live=False))

    # one message's overlay
    def begin(self) -> None:
        self._pending, self._steps, self._undo = [], [], []

    def keep(self) -> None:
        for row in self._pending:
            self.changed[_identity(row)] = row
        self.trace.extend(self._steps)
        self.begin()

    def drop(self) -> None:
        for table, key, old in reversed(self._undo):
            if old is None:
                table.pop(key, None)
            else:
                table[key] = old
        self.begin()

    def _place(
        self,
        row: Contract | Application | BusinessObject | InvoiceUse,
        undo: list[tuple[dict[object, object], object, object | None]] | None,
    ) -> None:
        def put(table: dict[object, object], key: object, value: object) -> None:
            if undo is not None:
                undo.append((table, key, table.get(key)))
            table[key] = value

        if isinstance(row, Contract):
            put(self._contracts, row.no, row)  # type: ignore[arg-type]
            put(self._by_deal, row.unified_deal_code, row.no)  # type: ignore[arg-type]
        elif isinstance(row, Application):
            put(self._applications, row.no, row)  # type: ignore[arg-type]
            # An ended or paid application must not hide the open one at the same payment node.
            if row.open_fen > 0:
                put(self._by_node, row.node_key, row.no)  # type: ignore[arg-type]
        elif isinstance(row, InvoiceUse):
            put(self._uses, (row.invoice, row.app_no), row)  # type: ignore[arg-type]
        else:
            put(self._objects, (row.kind, row.key), row)  # type: ignore[arg-type]


def _identity(row: Contract | Application | BusinessObject | InvoiceUse) -> tuple[str, object]:
    if isinstance(row, Contract):
        return ("contract", row.no)
    if isinstance(row, Application):
        return ("application", row.no)
    if isinstance(row, InvoiceUse):
        return ("invoice_use", (row.invoice, row.app_no))
    return ("object", (row.kind, row.key))
