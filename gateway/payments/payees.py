"""Who is paid, on which account: registered, a party of the contract, and at the push the very one applied for."""

from __future__ import annotations

from collections import Counter

from gateway import clock
from gateway.message import Record
from gateway.payments.case import Case, Finding, fen, items, yuan
from gateway.payments.ground import BusinessObject, Contract, Ground

APPLIED = "payees"  # kind of the object that holds, by application, account → fen


def listed(body: Record) -> list[Record]:
    return items(body, "Payees", "Payee")


def account_key(payee: Record) -> str:
    return f"{payee['PayeeCode']}|{payee['AcctNo']}|{payee['AcctBankNo']}"


def accounts_in(body: Record) -> frozenset[tuple[str, str]]:
    return frozenset(("account", account_key(payee)) for payee in listed(body))


def check_payees(case: Case, ground: Ground, finding: Finding, contract: Contract | None) -> None:
    """Each payee is a party of the contract, each account registered and valid today."""
    for index, payee in enumerate(listed(case.body), 1):
        at = f"Payees/Payee[{index}]"
        code = payee["PayeeCode"]
        if contract is not None and code not in contract.winners:
            finding.refuse(
                "payee-not-winner", f"{at}/PayeeCode", expected=";".join(contract.winners), found=code
            )
        account = ground.find("account", account_key(payee))
        if account is None or account.is_withdrawn:
            finding.refuse("account-not-registered", f"{at}/AcctNo")
        elif not _is_valid(account, clock.d8(case.today)):
            valid = f"{account.data.get('from', '')}-{account.data.get('to', '')}"
            finding.refuse("account-not-valid", f"{at}/AcctNo", expected=valid)


def _is_valid(account: BusinessObject, day: str) -> bool:
    first, last = account.data.get("from", ""), account.data.get("to", "")
    return first <= day and (not last or day <= last)


def keep_payees(case: Case, ground: Ground, app_no: str) -> None:
    """Notes what was applied for, by account, for the push."""
    amounts = {key: str(amount) for key, amount in _amounts(case.body).items()}
    ground.put(BusinessObject(APPLIED, app_no, case.sender, "", amounts, case.message_id))


def check_applied_payees(case: Case, ground: Ground, finding: Finding, app_no: str) -> None:
    """4002: no account that was not applied for, and none with more than was."""
    applied = ground.find(APPLIED, app_no)
    asked = _amounts(case.body)
    told: set[str] = set()
    for index, payee in enumerate(listed(case.body), 1):
        key = account_key(payee)
        most = int(applied.data.get(key, "0")) if applied else 0
        if asked[key] > most and key not in told:
            told.add(key)
            finding.refuse(
                "payee-not-applied-for",
                f"Payees/Payee[{index}]/{'Amount' if most else 'AcctNo'}",
                expected=f"<= {yuan(most)}" if most else "",
                found=yuan(asked[key]) if most else "",
            )


def _amounts(body: Record) -> Counter[str]:
    amounts: Counter[str] = Counter()
    for payee in listed(body):
        amounts[account_key(payee)] += fen(payee["Amount"])
    return amounts
