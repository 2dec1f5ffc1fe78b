"""Second factors on the online banking page: at the sign-in, and before a large order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyotp
import pytest

from bank import values
from tests.browser.test_authorization_pages import DEVICE
from tests.browser.test_online_banking import Customer, on_account, transfer
from tests.browser.visit import OVERFLOW, Visit, violations
from tests.e2e.platform import PASSWORD

if TYPE_CHECKING:
    from tests.e2e.platform import Platform

ADD_PASSKEY = "mutation ($input: AddPasskeyInput!) { addPasskey(input: $input) { __typename } }"
CREATE = """async (options) => JSON.stringify(await navigator.credentials.create(
  {publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(options))}))"""


@pytest.fixture
def customer(bank: Platform) -> Customer:
    """A customer with 2,120 euros. An order above 1,000 needs a second factor."""
    found = Customer(bank)
    found.deposit("2000.00")
    return found


def run(bank: Platform, customer: Customer, document: str, **given: object) -> Any:
    """The only field of an operation of the customer, from another session than that of the page."""
    body = {"query": document, **({"variables": {"input": given}} if given else {})}
    response = bank.client.post(f"{bank.rest_url}/graphql", json=body, headers=customer.person.headers)
    (result,) = response.json()["data"].values()
    return result


def with_app(bank: Platform, customer: Customer) -> tuple[pyotp.TOTP, list[str]]:
    begin = "mutation { beginAuthenticatorApp { ... on AuthenticatorAppEnrolment { challenge secret } } }"
    confirm = """mutation ($input: ConfirmAuthenticatorAppInput!) { confirmAuthenticatorApp(input: $input)
      { ... on FactorEnrolled { recoveryCodes } } }"""
    begun = run(bank, customer, begin)
    app = pyotp.TOTP(begun["secret"])
    enrolled = run(bank, customer, confirm, challenge=begun["challenge"], code=app.now())
    return app, enrolled["recoveryCodes"]


def give_password(page: Any, customer: Customer) -> None:
    page.fill("#sign-in-email", customer.person.email)
    page.fill("#sign-in-password", PASSWORD)
    page.click("#form-sign-in [type=submit]")


def test_a_large_order_asks_for_the_code_and_keeps_its_key(context: Any, bank: Platform, customer: Customer) -> None:
    visit = on_account(context, bank, customer)
    page = visit.page
    app, recovery_codes = with_app(bank, customer)
    keys: list[str] = []

    def note_key(request: Any) -> None:
        if "mutation Transfer" in (request.post_data or ""):
            keys.append(json.loads(request.post_data)["variables"]["input"]["idempotencyKey"])

    page.on("request", note_key)
    transfer(page, customer.other, "1500")
    page.locator("#step-up-what", has_text="Transfer €1,500.00").wait_for()
    assert page.evaluate("document.activeElement.id") == "step-up-code"
    assert violations(page) == []
    assert page.evaluate(OVERFLOW) <= 0
    page.keyboard.press("Escape")
    page.locator("#form-order .problem", has_text="You did not confirm the order.").wait_for()
    assert customer.balance == "2120.00"
    page.click("#form-order [type=submit]")
    page.fill("#step-up-code", "not a code")
    page.click("#form-step-up [type=submit]")
    page.locator("#form-step-up .problem", has_text="The second factor is wrong").wait_for()
    page.fill("#step-up-code", app.generate_otp(app.timecode(values.now()) + 1))
    page.click("#form-step-up [type=submit]")
    page.locator("#form-order .done", has_text="€1,500.00 transferred.").wait_for()
    assert customer.balance == "620.00"
    assert (len(keys), len(set(keys))) == (3, 1)
    page.click("#sign-out")
    page.locator("#sign-in-notice", has_text="You are signed out.").wait_for()
    give_password(page, customer)
    page.locator("#view-second-step").wait_for()
    assert page.evaluate("document.activeElement.id") == "title-second-step"
    assert violations(page) == []
    page.fill("#second-step-code", "000000")
    page.click("#form-second-step [type=submit]")
    page.locator("#form-second-step .problem", has_text="The second factor is wrong").wait_for()
    page.click("#second-step-back")
    give_password(page, customer)
    page.fill("#second-step-code", recovery_codes[0])
    page.click("#form-second-step [type=submit]")
    page.locator("#history .entry").first.wait_for()
    assert visit.problems == []


def test_a_customer_without_a_second_factor_learns_what_is_missing(
    desktop: Any, bank: Platform, customer: Customer
) -> None:
    page = on_account(desktop, bank, customer).page
    transfer(page, customer.other, "1500")
    page.locator("#form-order .problem", has_text="Your account has no second factor.").wait_for()
    assert not page.is_visible("#step-up")


def test_a_passkey_signs_in_and_confirms(desktop: Any, bank: Platform, customer: Customer) -> None:
    visit = Visit(desktop, bank.rest_url.replace("127.0.0.1", "localhost") + f"/#/accounts/{customer.account}")
    page = visit.page
    devices = desktop.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    give_password(page, customer)
    page.locator("#history .entry").first.wait_for()
    begun = run(bank, customer, "mutation { beginPasskey { ... on PasskeyEnrolment { challenge options } } }")
    made = page.evaluate(CREATE, begun["options"])
    added = run(bank, customer, ADD_PASSKEY, challenge=begun["challenge"], response=made, name="Phone")
    assert added == {"__typename": "FactorEnrolled"}
    transfer(page, customer.other, "1500")
    page.click("#form-step-up .passkey")
    page.locator("#form-order .done", has_text="€1,500.00 transferred.").wait_for()
    page.click("#sign-out")
    page.locator("#sign-in-notice", has_text="You are signed out.").wait_for()
    give_password(page, customer)
    page.click("#form-second-step .passkey")
    page.locator("#history .entry").first.wait_for()
    assert visit.problems == []
