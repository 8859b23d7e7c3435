"""Whatever leaves for Stripe is what its SDK's own types allow; what it answers is a sentence."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Mapping
from typing import Any

import pytest

from app.kernel import clock
from app.kernel.db import db
from app.payments import stripe_gateway as gateway
from app.payments.online import service
from app.payments.online.service import Item
from app.payments.sandbox.desk import Desk
from tests.payments.online.conftest import Office

pydantic = pytest.importorskip("pydantic", reason="pydantic checks the SDK's types")
HIDDEN = {"StripeContext": str, "UntypedStripeObject": dict, "Mapping": Mapping}


def strictly(params_type: Any, params: Any) -> None:
    """Raises unless `params` are the SDK's own TypedDict, with nothing it does not know."""
    module = vars(sys.modules[params_type.__module__])
    for name, meaning in HIDDEN.items():  # imported by the SDK for type checkers alone
        module.setdefault(name, meaning)
    for one in list(module.values()):
        if isinstance(one, type) and hasattr(one, "__total__"):
            one.__pydantic_config__ = pydantic.ConfigDict(
                extra="forbid", arbitrary_types_allowed=True
            )  # type: ignore[attr-defined]
    pydantic.TypeAdapter(params_type).validate_python(params)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any, Any]]:
    """Every call of the SDK: which, with what params, with what options; it still goes out."""
    calls: list[tuple[str, Any, Any]] = []
    honest = gateway._client

    class Watch:
        def __init__(self, thing: Any, path: str) -> None:
            self.thing, self.path = thing, path

        def __getattr__(self, name: str) -> Any:
            return Watch(getattr(self.thing, name), f"{self.path}.{name}".lstrip("."))

        def __call__(self, *words: Any, **named: Any) -> Any:
            calls.append((self.path, words, named))
            return self.thing(*words, **named)

    monkeypatch.setattr(gateway, "_client", lambda: Watch(honest(), ""))
    return calls


def pay(office: Office, desk: Desk, act: str = "card") -> Any:
    """A payment of a bill of 100.00, paid at the stub's checkout page."""
    unit = office.town.add_unit(f"1-{next(office.serial) + 100}")
    bill_id, unit_id = office.bills.issue(unit, "2026-03").id, unit.id
    one = office.start(Item(unit_id, 10000, bill_id), opened=False)
    url = office.open(one)
    urllib.request.build_opener(NoFollow).open(url, f"act={act}".encode())
    return office.again(one)


class NoFollow(urllib.request.HTTPRedirectHandler):
    """The way back leads to a house that is not there."""

    def http_error_303(self, _request: Any, answer: Any, *_rest: Any) -> Any:
        return answer


def test_every_request_is_of_the_sdks_own_types(office, sandbox, watched):
    from stripe.params import (
        BalanceTransactionListParams,
        PaymentIntentRetrieveParams,
        RefundCreateParams,
    )
    from stripe.params.checkout import SessionCreateParams

    types = {
        "v1.checkout.sessions.create": SessionCreateParams,
        "v1.payment_intents.retrieve": PaymentIntentRetrieveParams,
        "v1.refunds.create": RefundCreateParams,
        "v1.balance_transactions.list": BalanceTransactionListParams,
    }
    one = pay(office, sandbox)
    office.hear_all(sandbox)
    with pytest.raises(gateway.GatewayRefused):
        gateway.expire_session(one.session_id)
    seen = gateway.refund(1, office.again(one).intent_id, 1000, key="refund-1")
    gateway.fetch_refund(seen.id)
    gateway.fetch_dispute(sandbox.dispute(office.again(one).intent_id)["id"])
    payout = sandbox.pay_out(office.account)
    gateway.fetch_payout(office.account, payout["id"])
    gateway.payout_movements(office.account, payout["id"])
    checked = set()
    for path, words, _named in watched:
        for params in (word for word in words if isinstance(word, dict)):
            if path in types and params is words[0 if "create" in path or "list" in path else 1]:
                strictly(types[path], params)
                checked.add(path)
    assert checked == set(types)


def test_the_check_of_types_does_see_a_wrong_request():
    from stripe.params.checkout import SessionCreateParams

    with pytest.raises(pydantic.ValidationError):
        strictly(SessionCreateParams, {"mode": "payment", "payment_method_types": ["card"]})
    with pytest.raises(pydantic.ValidationError):
        strictly(SessionCreateParams, {"line_items": [{"price_data": {"currancy": "cny"}}]})


def test_a_checkout_asks_for_yuan_by_the_three_ways_for_the_books_own_account(
    office, sandbox, watched
):
    one = pay(office, sandbox)
    params, options = next(w for path, w, _ in watched if path.endswith("sessions.create"))
    assert params["allowed_payment_method_types"] == ["card", "alipay", "wechat_pay"]
    assert params["line_items"][0]["price_data"]["currency"] == "cny"
    assert params["line_items"][0]["price_data"]["unit_amount"] == 10000
    inner = params["payment_intent_data"]
    assert inner["transfer_data"] == {"destination": office.account}
    assert inner["on_behalf_of"] == office.account
    assert params["client_reference_id"] == f"{office.community_id}-{one.id}"
    assert options == {"idempotency_key": f"checkout-{office.community_id}-{one.key}"}


def test_asking_for_a_checkout_twice_gives_the_same_one(office, sandbox):
    unit = office.town.add_unit()
    one = office.start(Item(unit.id, 500), opened=False)
    url = office.open(one)
    db.session.execute(db.text("UPDATE payment SET session_id = NULL"))  # the answer was lost
    db.session.commit()
    assert office.open(one) == url
    assert len(sandbox.of("checkout.session")) == 1


def test_one_key_with_other_content_is_refused_by_the_gateway(office, sandbox):
    order = {
        "community_id": 1,
        "payment_id": 1,
        "title": "物业费",
        "account": office.account,
        "key": "same",
        "expires_at": clock.now() + service.starting.rules.CHECKOUT_LASTS,
        "success_url": "http://house/",
        "cancel_url": "http://house/",
    }
    first = gateway.create_checkout(gateway.CheckoutOrder(amount_fen=100, **order))
    again = gateway.create_checkout(gateway.CheckoutOrder(amount_fen=100, **order))
    assert first.id == again.id
    with pytest.raises(gateway.GatewayRefused):
        gateway.create_checkout(gateway.CheckoutOrder(amount_fen=200, **order))


def test_an_outage_is_a_sentence_and_changes_nothing(office):
    unit = office.town.add_unit()
    one = office.start(Item(unit.id, 500), opened=False)
    with pytest.raises(gateway.GatewayDown):
        office.open(one)
    assert office.again(one).status == "started"


def test_no_keys_no_gateway(office, app, monkeypatch):
    monkeypatch.setitem(app.config, "STRIPE_SECRET_KEY", "")
    assert not gateway.configured()
    with pytest.raises(gateway.GatewayDown):
        gateway.fetch_session("cs_1")


def test_the_sandbox_is_refused_in_production():
    from app.config import settings

    needed = ("SECRET_KEY", "LINLI_FIELD_KEY", "DATABASE_URL", "REDIS_URL")
    values = dict.fromkeys(needed, "x") | {"LINLI_ENV": "production"}
    assert settings(values)["STRIPE_API_BASE"] == ""
    with pytest.raises(ValueError, match="sandbox"):
        settings(values | {"STRIPE_API_BASE": "http://127.0.0.1:8200"})
