"""Who takes part in the cases: companies, tenderers, the people who act for them, their accounts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway import clock
from gateway.message import Record
from gateway.sandbox import numbers

PLATFORM_CODE = "12310000425010220N"  # the operator of the trading platforms
AUTHORITY_CODE, AUTHORITY_NAME = "11310000T03101035A", "上海市交通委员会"
AGENT_CODE, AGENT_NAME = "91310000T03101043W", "上海申浦工程招标代理有限公司"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts for an organisation. `roles` are codes of CT-ROLE, joined by semicolons."""

    user_id: str
    name: str
    legal_code: str
    legal_name: str
    roles: str
    session_id: str

    def as_subject(self) -> dict[str, str]:
        """What a ticket is bound to."""
        return {
            "UserId": self.user_id,
            "LegalCode": self.legal_code,
            "LegalName": self.legal_name,
            "UserName": self.name,
            "Roles": self.roles,
            "AuthMethod": "01",
            "SessionId": self.session_id,
        }


@dataclass(frozen=True, slots=True)
class Account:
    """A payee's account; `kind` 1 basic, 3 wage account 农民工工资专用账户."""

    no: str
    name: str
    bank_name: str
    bank_no: str
    kind: str = "1"


@dataclass(frozen=True, slots=True)
class Organisation:
    """A market subject or a tenderer. `agency` is the budget unit's code, for tenderers."""

    code: str
    name: str
    region: str
    roles: str
    accounts: tuple[Account, ...] = ()
    agency: str = ""

    def person(self, name: str) -> Person:
        user_id = f"U{numbers.digits(12)}"
        roles = self.roles.split(";")[0]
        return Person(user_id, name, self.code, self.name, roles, f"S-{numbers.digits(16)}")


def new_company(name: str, region: str) -> Organisation:
    """A contractor that nobody knew before, with a basic and a wage account."""
    basic = Account(numbers.account_no(), name, "中国工商银行上海市西虹桥支行", "102290002916")
    wages = Account(
        numbers.account_no(), f"{name}农民工工资专用账户", "中国工商银行上海市虹桥路支行", "102290002924", "3"
    )
    return Organisation(numbers.new_company(region), name, region, "03;06", (basic, wages))


def new_tenderer(name: str, region: str, agency: str) -> Organisation:
    """A public institution that puts works out to tender."""
    code = numbers.uscc("12", region, f"T{numbers.digits(7)}")
    return Organisation(code, name, region, "01;04", agency=agency)


def subject_record(one: Organisation, *, status: str = "1", contact: str = "李明") -> Record:
    """1001 in the standard's words."""
    account = one.accounts[0] if one.accounts else None
    record: Record = {
        "LegalCode": one.code,
        "LegalCodeType": "97",
        "LegalName": one.name,
        "SubjectCategory": "1",
        "LegalRoles": one.roles,
        "LegalType": "1",
        "LegalRepresent": "陈建国",
        "RegionCode": one.region,
        "CountryRegion": "156",
        "IndustryCode": "E48",
        "RegCapital": "50000000.00",
        "RegCapCurrency": "156",
        "LicenseNo": one.code,
        "LicenseEndDate": "99991231",
        "Address": "上海市浦东新区沪南公路2000号",
        "ZipCode": "201300",
        "Email": "contact@example.com",
        "ContactName": contact,
        "ContactPhone": "13800001234",
        "SubjectStatus": status,
        "PlatformCode": PLATFORM_CODE,
        "PubServicePlatCode": PLATFORM_CODE,
        "DataTimestamp": clock.t14(),
    }
    if account is not None:
        record |= {
            "BasicBank": account.bank_name,
            "BasicBankNo": account.bank_no,
            "BasicAcctNo": account.no,
            "BasicAcctName": account.name,
        }
    return record


def account_record(one: Organisation, account: Account) -> Record:
    """1004 in the standard's words."""
    return {
        "LegalCode": one.code,
        "LegalName": one.name,
        "AcctNo": account.no,
        "AcctName": account.name,
        "AcctBankName": account.bank_name,
        "AcctBankNo": account.bank_no,
        "AcctKind": account.kind,
        "ValidFrom": clock.d8(),
    }


def with_stranger(one: Organisation) -> Account:
    """An account of the company that nobody registered."""
    return replace(one.accounts[0], no=numbers.account_no())
