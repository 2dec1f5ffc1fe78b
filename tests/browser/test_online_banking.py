"""The online banking page in front of the whole platform: what people do on it, and what goes wrong meanwhile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.visit import OVERFLOW, Visit, violations
from tests.e2e.platform import PASSWORD

if TYPE_CHECKING:
    from tests.e2e.platform import Person, Platform

ORDERS = 12
PAGE = 10


class Customer:
    """A customer with a checking account, which had `ORDERS` deposits of 10 euros, and an empty savings account."""

    def __init__(self, bank: Platform, name: str = "Ada") -> None:
        self._bank = bank
        self.person: Person = bank.register(name)
        self.account = bank.open_account(self.person)["id"]
        self.other = bank.open_account(self.person)["accountNumber"]
        for _ in range(ORDERS):
            self.deposit("10.00")

    def deposit(self, amount: str) -> None:
        order = {"type": "DEPOSIT", "destinationAccountId": self.account, "amount": amount, "currency": "EUR"}
        self._bank.call("POST", "/api/transactions", self.person, json=order)

    @property
    def balance(self) -> str:
        return str(self._bank.call("GET", f"/api/accounts/{self.account}", self.person)["balance"])


@pytest.fixture
def customer(bank: Platform) -> Customer:
    return Customer(bank)


def signed_in(context: Any, bank: Platform, customer: Customer, path: str = "/") -> Visit:
    visit = Visit(context, bank.rest_url + path)
    visit.page.fill("#sign-in-email", customer.person.email)
    visit.page.fill("#sign-in-password", PASSWORD)
    visit.page.click("#form-sign-in [type=submit]")
    visit.page.locator("#sign-out").wait_for()
    return visit


def on_account(context: Any, bank: Platform, customer: Customer) -> Visit:
    visit = signed_in(context, bank, customer, f"/#/accounts/{customer.account}")
    visit.page.locator(".entry").first.wait_for()
    return visit


def transfer(page: Any, number: str, amount: str) -> None:
    page.fill("#order-number", number)
    page.fill("#order-amount", amount)
    page.click("#form-order [type=submit]")


def test_a_person_reads_accounts_and_transactions_page_by_page(
    context: Any, bank: Platform, customer: Customer
) -> None:
    visit = signed_in(context, bank, customer)
    page = visit.page
    page.locator(".card").nth(1).wait_for()
    assert page.locator(".card-balance").all_inner_texts() == ["€120.00", "€0.00"]
    assert violations(page) == []
    page.locator(".card").first.click()
    page.locator(".entry").nth(PAGE - 1).wait_for()
    assert page.evaluate("document.activeElement.id") == "title-account"
    assert violations(page) == []
    page.click("#older")
    page.locator("#newer:enabled").wait_for()
    assert page.locator(".entry").count() == ORDERS - PAGE
    assert page.is_disabled("#older")
    page.click("#newer")
    page.locator("#older:enabled").wait_for()
    assert page.locator(".entry").count() == PAGE
    page.go_back()
    page.locator("#view-accounts").wait_for()
    assert page.evaluate(OVERFLOW) <= 0
    assert visit.problems == []


def test_a_transfer_and_its_refusals(context: Any, bank: Platform, customer: Customer) -> None:
    visit = on_account(context, bank, customer)
    page = visit.page
    for number, amount, message in (
        (customer.other, "500", "The account does not have enough available funds. Available: €120.00."),
        ("0000000000", "5", "Account not found."),
    ):
        transfer(page, number, amount)
        page.locator("#form-order .problem", has_text=message).wait_for()
    for number, amount, field in (("12", "5", "order-number"), (customer.other, "5.555", "order-amount")):
        transfer(page, number, amount)
        page.locator(f"#{field}[aria-invalid=true]").wait_for()
        assert page.evaluate("document.activeElement.id") == field
    assert violations(page) == []
    assert page.evaluate(OVERFLOW) <= 0
    transfer(page, customer.other, "20,5")
    page.locator("#form-order .done", has_text="€20.50 transferred.").wait_for()
    page.locator(".entry", has_text="-€20.50").first.wait_for()
    page.locator("#account-facts", has_text="€99.50").wait_for()
    assert visit.problems == []


def test_what_others_do_appears_without_a_reload(desktop: Any, bank: Platform, customer: Customer) -> None:
    visit = on_account(desktop, bank, customer)
    visit.page.fill("#order-amount", "7")
    customer.deposit("33.00")
    visit.page.locator(".entry", has_text="+€33.00").wait_for()
    assert visit.page.input_value("#order-amount") == "7", "what a person types stays"
    assert visit.problems == []


def test_an_order_whose_response_was_lost_is_carried_out_once(desktop: Any, bank: Platform, customer: Customer) -> None:
    visit = on_account(desktop, bank, customer)
    page = visit.page
    lost: list[str] = []

    def lose_the_first(route: Any) -> None:
        if "mutation Transfer" in (route.request.post_data or "") and not lost:
            lost.append(route.fetch().text())
            route.abort()
        else:
            route.continue_()

    page.route("**/graphql", lose_the_first)
    transfer(page, customer.other, "20")
    page.locator("#form-order .problem", has_text="The bank cannot be reached.").wait_for()
    assert "COMPLETED" in lost[0]
    page.click("#form-order [type=submit]")
    page.locator("#form-order .done", has_text="€20.00 transferred.").wait_for()
    assert customer.balance == "100.00"


def test_while_the_bank_cannot_be_reached_the_page_says_so(desktop: Any, bank: Platform, customer: Customer) -> None:
    page = on_account(desktop, bank, customer).page
    page.route("**/graphql", lambda route: route.abort())
    page.locator("#view-account .freshness", has_text="Not up to date. The bank cannot be reached.").wait_for()
    assert page.locator(".entry").count() == PAGE
    page.unroute("**/graphql")
    page.locator("#view-account .freshness", has_text="Updated").wait_for()


def test_a_reload_keeps_the_session_and_signing_out_forgets_it(
    desktop: Any, bank: Platform, customer: Customer
) -> None:
    visit = on_account(desktop, bank, customer)
    page = visit.page
    page.reload()
    page.locator(".entry").first.wait_for()
    assert page.evaluate("localStorage.length") == 0
    assert page.evaluate("document.cookie") == ""
    assert "eyJ" not in page.evaluate("JSON.stringify(sessionStorage)"), "the access token stays in memory"
    page.click("#sign-out")
    page.locator("#sign-in-notice", has_text="You are signed out.").wait_for()
    assert page.evaluate("sessionStorage.length") == 0
    page.reload()
    page.locator("#view-sign-in").wait_for()
    assert visit.problems == []


def test_a_duplicated_tab_does_not_end_the_session_of_the_first(
    desktop: Any, bank: Platform, customer: Customer
) -> None:
    """The copy has the same refresh token. If both used it, the bank would take it for stolen."""
    first = on_account(desktop, bank, customer).page
    stored = first.evaluate("JSON.stringify(Object.entries(sessionStorage))")
    second = desktop.new_page()
    second.add_init_script(f"if (!sessionStorage.length) for (const [k, v] of {stored}) sessionStorage.setItem(k, v)")
    second.goto(bank.rest_url)
    second.locator("#view-sign-in").wait_for()
    first.reload()
    first.locator(".entry").first.wait_for()


def test_a_session_that_ended_elsewhere_leads_to_the_sign_in(desktop: Any, bank: Platform, customer: Customer) -> None:
    page = on_account(desktop, bank, customer).page
    stored = page.evaluate("JSON.parse(Object.values(sessionStorage)[0]).refreshToken")
    token = bank.call("POST", "/api/auth/refresh", json={"refreshToken": stored})["accessToken"]
    bank.client.delete(f"{bank.rest_url}/api/auth/logout", headers={"authorization": f"Bearer {token}"})
    page.locator("#sign-in-notice", has_text="Your session has ended. Sign in again.").wait_for()
    assert not page.is_visible("#history")


def test_a_new_customer_registers_and_opens_an_account(context: Any, bank: Platform) -> None:
    visit = Visit(context, f"{bank.rest_url}/#/register")
    page = visit.page
    page.fill("#register-name", "<img src=x onerror=alert(1)>")
    page.fill("#register-email", "nope")
    page.fill("#register-password", "password123")
    page.click("#form-register [type=submit]")
    page.locator("#register-email[aria-invalid=true]").wait_for()
    assert re.search("too easy to guess", page.inner_text("#register-password-problem"))
    assert violations(page) == []
    page.fill("#register-email", f"{bank.register().id}@example.com")
    page.fill("#register-password", PASSWORD)
    page.click("#form-register [type=submit]")
    page.locator("#accounts-empty").wait_for()
    assert page.inner_text("#person") == "<img src=x onerror=alert(1)>"
    page.select_option("#open-currency", "JPY")
    page.click("#form-open [type=submit]")
    page.locator(".card-balance", has_text="0").wait_for()
    assert re.fullmatch(r"JP¥0|¥0", page.inner_text(".card-balance"))
    assert visit.problems == []
