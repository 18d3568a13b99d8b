"""Step 3: a payment application is opened, corrected or withdrawn, within its contract's balance."""

from __future__ import annotations

from dataclasses import replace

from gateway.message import Record
from gateway.payments.case import Case, Finding, fen, items, place, step_of, yuan
from gateway.payments.ground import Application, Contract, Ground, InvoiceUse, TraceStep
from gateway.payments.states import AT_TREASURY, ENDED, find_path


def invoice_key(invoice: Record) -> str:
    """What makes an invoice the same at any platform: its number, or a scan's digest."""
    if invoice.get("EInvoiceNo"):
        return str(invoice["EInvoiceNo"])
    if invoice.get("InvoiceCode") and invoice.get("InvoiceNo"):
        return f"{invoice['InvoiceCode']}|{invoice['InvoiceNo']}"
    return f"digest:{invoice.get('Digest', '')}"


def node_key(body: Record) -> str:
    return f"{body.get('ContractNo', '')}|{body.get('PlanNo', '')}|{body.get('PeriodNo', '')}"


def judge_application(case: Case, ground: Ground, finding: Finding) -> None:
    """3001: OperType 1 opens, 2 corrects what was returned. Every fault is named, then nothing is kept."""
    body = case.body
    contract = _check_contract(case, ground, finding)
    old = ground.application(body["PayAppNo"])
    path = _check_state(case, ground, finding, old)
    _check_payees(case, ground, finding, contract)
    uses = _check_invoices(case, ground, finding, contract)
    if contract is None:
        return
    covered = case.coverage.find(contract.project_kind, contract.adm_div, case.today)
    if covered is None:
        zh, en = case.coverage.describe()
        finding.refuse(
            "outside-coverage",
            "ContractNo",
            f"项目类别{contract.project_kind}、财政区划{contract.adm_div}尚未纳入；已纳入: {zh}",
            f"project kind {contract.project_kind} paid by {contract.adm_div} is not covered yet; covered: {en}",
            "30009",
        )
    amount = fen(body["AppAmount"])
    released = old.open_fen if old else 0
    _check_balance(finding, contract, amount, released)
    finding.application, finding.contract_owner = body["PayAppNo"], contract.owner
    if finding.faults:
        return
    fresh = _opened(case, contract, amount, covered.treasury if covered else "", old)
    finding.treasury = fresh.treasury
    ground.put(replace(contract, open_fen=contract.open_fen - released + amount))
    ground.end_uses(fresh.no)
    ground.put(fresh)
    for use in uses:
        ground.put(use)
    if old is None:
        ground.add_step(
            TraceStep(
                fresh.no, "3001", "10", "20", case.at, "提交申请", org=case.org, message_id=case.message_id
            )
        )
    else:
        ground.add_step(step_of(case, old, path[-1] if path else "20", node="更正后重新提交"))


def _check_contract(case: Case, ground: Ground, finding: Finding) -> Contract | None:
    no = case.body["ContractNo"]
    contract = ground.contract(no)
    if contract is None:
        finding.refuse(
            "unknown-contract",
            "ContractNo",
            f"合同 {no} 不存在",
            f"contract {no} is not known",
            "30003",
            found=no,
        )
    elif contract.state != "live":
        finding.refuse(
            "contract-ended",
            "ContractNo",
            f"合同 {no} 已终止",
            f"contract {no} has ended",
            "30006",
            found=contract.state,
        )
    return contract


def _check_state(
    case: Case, ground: Ground, finding: Finding, old: Application | None
) -> tuple[str, ...] | None:
    body = case.body
    if case.oper_type == "2" and old is not None:
        path = find_path(old.state, "20")
        if path is None or old.paid_fen:
            finding.refuse(
                "state-not-allowed",
                "PayAppNo",
                f"申请处于状态 {old.state}，不能更正",
                f"the application is in state {old.state} and cannot be corrected",
                "30006",
                expected="31, 43",
                found=old.state,
            )
        return path
    if case.oper_type == "2":
        finding.refuse(
            "unknown-application",
            "PayAppNo",
            "要更正的支付申请不存在",
            "the application to correct is not known",
            "30003",
        )
    elif old is not None:
        finding.refuse(
            "application-exists",
            "PayAppNo",
            f"支付申请 {old.no} 已存在",
            f"payment application {old.no} exists already",
            "30006",
            found=old.state,
        )
    holder = ground.application_at_node(node_key(body))
    if holder is not None and holder.no != body["PayAppNo"] and holder.open_fen and holder.state not in ENDED:
        finding.refuse(
            "node-taken",
            "PeriodNo",
            f"同一付款节点已有在途申请 {holder.no}",
            f"application {holder.no} is open for the same payment node",
            "30006",
            found=holder.no,
        )
    return None


def _check_payees(case: Case, ground: Ground, finding: Finding, contract: Contract | None) -> None:
    for index, payee in enumerate(items(case.body, "Payees", "Payee"), 1):
        at = f"Payees/Payee[{index}]"
        code = payee["PayeeCode"]
        if contract is not None and code not in contract.winners:
            finding.refuse(
                "payee-not-winner",
                f"{at}/PayeeCode",
                "收款人不是合同乙方",
                "the payee is not a party of the contract",
                "30012",
                expected=";".join(contract.winners),
                found=code,
            )
        if ground.find("account", f"{code}|{payee['AcctNo']}|{payee['AcctBankNo']}") is None:
            finding.refuse(
                "account-not-registered",
                f"{at}/AcctNo",
                "收款账户未备案",
                "the payee's account is not registered",
                "30012",
            )


def _check_invoices(
    case: Case, ground: Ground, finding: Finding, contract: Contract | None
) -> list[InvoiceUse]:
    app_no = case.body["PayAppNo"]
    uses: dict[str, InvoiceUse] = {}
    for index, invoice in enumerate(items(case.body, "Invoices", "Invoice"), 1):
        at = f"Invoices/Invoice[{index}]"
        _check_invoice_parties(invoice, at, finding, contract)
        key, total, used = invoice_key(invoice), fen(invoice["AmountWithTax"]), fen(invoice["UsedAmount"])
        if key in uses:
            finding.refuse(
                "invoice-twice", at, "同一发票重复列出", "the invoice is listed twice", "30005", found=key
            )
        elsewhere = sum(use.used_fen for use in ground.uses_of(key) if use.app_no != app_no)
        if elsewhere + used > total:
            finding.refuse(
                "invoice-used-up",
                f"{at}/UsedAmount",
                "发票在全部在途及已付申请中的使用金额超过票面金额",
                "over all live applications the invoice is used beyond its amount",
                "30005",
                expected=f"<= {yuan(total - elsewhere)}",
                found=yuan(used),
            )
        uses[key] = InvoiceUse(key, app_no, total, used)
    return list(uses.values())


def _check_invoice_parties(invoice: Record, at: str, finding: Finding, contract: Contract | None) -> None:
    if invoice.get("RedFlag") == "1":
        finding.refuse(
            "red-invoice",
            f"{at}/RedFlag",
            "红字发票不能作为付款依据",
            "a red-letter invoice cannot support a payment",
            "30005",
        )
    if contract is None:
        return
    if invoice["SellerTaxNo"] not in contract.winners:
        finding.refuse(
            "seller-not-winner",
            f"{at}/SellerTaxNo",
            "发票销售方不是合同乙方",
            "the invoice's seller is not a party of the contract",
            "30005",
            expected=";".join(contract.winners),
            found=invoice["SellerTaxNo"],
        )
    if invoice["BuyerTaxNo"] not in contract.tenderers:
        finding.refuse(
            "buyer-not-tenderer",
            f"{at}/BuyerTaxNo",
            "发票购买方不是合同甲方",
            "the invoice's buyer is not the contract's tenderer",
            "30005",
            expected=";".join(contract.tenderers),
            found=invoice["BuyerTaxNo"],
        )


def _check_balance(finding: Finding, contract: Contract, amount: int, released: int) -> None:
    left = contract.price_fen - contract.paid_fen - contract.open_fen + released
    if amount > left:
        finding.refuse(
            "above-balance",
            "AppAmount",
            "已付、在途与本次申请之和超过合同价款",
            "paid, open and this application together exceed the contract's price",
            "30011",
            expected=f"<= {yuan(max(left, 0))}",
            found=yuan(amount),
        )


def _opened(
    case: Case, contract: Contract, amount: int, treasury: str, old: Application | None
) -> Application:
    body = case.body
    return Application(
        no=body["PayAppNo"],
        contract_no=contract.no,
        state="20",
        owner=contract.owner,
        tenderer=contract.tenderers[0] if contract.tenderers else "",
        payees=tuple(payee["PayeeCode"] for payee in items(body, "Payees", "Payee")),
        adm_div=contract.adm_div,
        project_kind=contract.project_kind,
        st_year=body.get("StYear", ""),
        app_fen=amount,
        open_fen=amount,
        round=old.round if old else 0,
        treasury=treasury,
        version=old.version + 1 if old else 1,
        state_at=case.at,
        opened_at=old.opened_at if old else case.at,
        message_id=case.message_id,
        node_key=node_key(body),
        seqs=old.seqs if old else {},
    )


def judge_withdrawal(case: Case, ground: Ground, finding: Finding) -> None:
    """3004: before the push it ends at once; after it the treasury is asked, and its receipt ends it."""
    application = ground.application(case.body["PayAppNo"])
    contract = ground.contract(application.contract_no) if application else None
    if application is None or contract is None:
        finding.refuse(
            "unknown-application", "PayAppNo", "支付申请不存在", "the application is not known", "30003"
        )
        return
    finding.application = application.no
    place(finding, application, contract)
    if application.state in AT_TREASURY:
        finding.pushed_treasury = application.treasury
        ground.put(replace(application, withdrawal="asked"))
        ground.add_step(
            step_of(case, application, application.state, node="申请撤回", result="待支付平台确认")
        )
        return
    if application.paid_fen or find_path(application.state, "90") is None:
        finding.refuse(
            "state-not-allowed",
            "PayAppNo",
            f"申请处于状态 {application.state}，不能撤回",
            f"the application is in state {application.state} and cannot be withdrawn",
            "30006",
            found=application.state,
        )
        return
    end_application(case, ground, application, contract, "90", node="撤回")


def end_application(
    case: Case, ground: Ground, application: Application, contract: Contract, state: str, *, node: str
) -> None:
    """To 90 or 99: what it held of the contract and of its invoices is free again."""
    ground.put(replace(contract, open_fen=contract.open_fen - application.open_fen))
    ground.end_uses(application.no)
    ground.put(replace(application, state=state, open_fen=0, withdrawal="", state_at=case.at))
    ground.add_step(step_of(case, application, state, node=node))
