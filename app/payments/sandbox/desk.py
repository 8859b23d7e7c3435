"""What the stub knows and does: checkouts, payments, refunds, disputes, payouts; on one file.

All verbs are called under one lock. Each gives Stripe's shape and puts the notifications it
causes into `outgoing`, where the messenger finds them.
"""

from __future__ import annotations

import json
import secrets
import threading
from pathlib import Path
from typing import Any

from app.kernel import clock

Thing = dict[str, Any]
DELAY_SECONDS = 6
FEE_PER_MILLE = 6
CAN_PAY = ("card", "alipay", "wechat_pay")


class Refusal(Exception):
    """What Stripe answers with an error."""

    def __init__(self, status: int, message: str, kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status, self.message, self.kind = status, message, kind


class Desk:
    """The stub's memory. With a file, it survives its process."""

    def __init__(self, file: Path | None = None, *, base: str = "") -> None:
        self.file, self.base = file, base
        self.lock = threading.RLock()
        self.things: dict[str, Thing] = {}
        self.answers: dict[str, Thing] = {}
        self.later: list[Thing] = []
        self.outgoing: list[Thing] = []
        self.quiet: set[str] = set()  # payments of whose fate nobody is notified
        if file is not None and file.exists():
            kept = json.loads(file.read_text("utf-8"))
            self.things, self.answers = kept["things"], kept["answers"]
            self.later, self.outgoing = kept["later"], kept["outgoing"]
            self.quiet = set(kept["quiet"])

    def keep(self) -> None:
        """Write everything down."""
        if self.file is None:
            return
        fresh = self.file.with_suffix(".new")
        kept = {
            "things": self.things,
            "answers": self.answers,
            "later": self.later,
            "outgoing": self.outgoing,
            "quiet": sorted(self.quiet),
        }
        fresh.write_text(json.dumps(kept), "utf-8")
        fresh.replace(self.file)

    def get(self, kind: str, thing_id: str) -> Thing:
        """One thing by its number. Refuses as Stripe does."""
        found = self.things.get(thing_id)
        if found is None or found["object"] != kind:
            raise Refusal(404, f"No such {kind}: '{thing_id}'")
        if kind == "checkout.session" and found["status"] == "open":
            self._expire_when_due(found)
        return found

    def of(self, kind: str) -> list[Thing]:
        """All of a kind, newest first."""
        return [one for one in reversed(list(self.things.values())) if one["object"] == kind]

    # ---- what the API asks

    def create_session(self, params: Thing) -> Thing:
        """A checkout with the payment behind it."""
        try:
            item = params["line_items"][0]
            price, inner = item["price_data"], params["payment_intent_data"]
            amount = int(price["unit_amount"]) * int(item["quantity"])
            expires = int(params["expires_at"])
            account = inner["transfer_data"]["destination"]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise Refusal(400, f"Missing or unreadable parameter: {error}") from error
        left = expires - _now()
        if not 1790 <= left <= 86400:
            raise Refusal(400, "`expires_at` must be between 30 minutes and 24 hours from now")
        if amount <= 0 or price["currency"] != "cny":
            raise Refusal(400, "Invalid amount or currency")
        intent = self._add(
            "payment_intent",
            "pi_",
            amount=amount,
            amount_received=0,
            currency="cny",
            status="requires_payment_method",
            metadata=inner.get("metadata", {}),
            on_behalf_of=inner.get("on_behalf_of"),
            transfer_data={"destination": account},
            description=inner.get("description", ""),
            latest_charge=None,
            last_payment_error=None,
        )
        session = self._add(
            "checkout.session",
            "cs_test_",
            mode=params["mode"],
            amount_total=amount,
            currency="cny",
            status="open",
            payment_status="unpaid",
            payment_intent=intent["id"],
            client_reference_id=params.get("client_reference_id"),
            metadata=params.get("metadata", {}),
            expires_at=expires,
            success_url=params["success_url"],
            cancel_url=params["cancel_url"],
        )
        session["url"] = f"{self.base}/checkout/{session['id']}"
        return session

    def expire_session(self, session_id: str) -> Thing:
        """Close a checkout that is open."""
        session = self.get("checkout.session", session_id)
        if session["status"] != "open":
            raise Refusal(400, f"This Session is {session['status']} and cannot be expired.")
        session.update(status="expired", url=None)
        self._tell("checkout.session.expired", session)
        return session

    def create_refund(self, params: Thing) -> Thing:
        """Give back a part or all of a payment."""
        intent = self.get("payment_intent", params.get("payment_intent", ""))
        amount = int(params.get("amount") or intent["amount"])
        back = sum(
            one["amount"]
            for one in self.of("refund")
            if one["payment_intent"] == intent["id"] and one["status"] != "failed"
        )
        if intent["status"] != "succeeded" or not 0 < amount <= intent["amount"] - back:
            raise Refusal(400, "Refund amount is greater than unrefunded amount on charge")
        refund = self._add(
            "refund",
            "re_",
            amount=amount,
            currency="cny",
            status="succeeded",
            payment_intent=intent["id"],
            charge=intent["latest_charge"],
            metadata=params.get("metadata", {}),
        )
        self._move(intent, "payment_refund", -amount, 0, refund["id"])
        self._tell("refund.created", refund)
        self._tell("refund.updated", refund)
        return refund

    # ---- what the checkout page and the operator choose

    def pay(self, session_id: str, means: str, *, notify: bool = True) -> Thing:
        """The payer pays at once."""
        session, intent = self._open(session_id)
        if not notify:
            self.quiet.add(intent["id"])
        self._succeed(intent, means)
        session.update(status="complete", payment_status="paid", url=None)
        self._tell("checkout.session.completed", session)
        return session

    def pay_later(self, session_id: str, *, succeeds: bool) -> Thing:
        """The payer's bank takes its time."""
        session, intent = self._open(session_id)
        intent["status"] = "processing"
        session.update(status="complete", url=None)
        self._tell("payment_intent.processing", intent)
        self._tell("checkout.session.completed", session)
        self.later.append(
            {"at": _now() + DELAY_SECONDS, "session": session_id, "succeeds": succeeds}
        )
        return session

    def decline(self, session_id: str) -> Thing:
        """The payer's bank says no; the payer may try again."""
        session, intent = self._open(session_id)
        intent["last_payment_error"] = {"message": "Your card was declined."}
        self._tell("payment_intent.payment_failed", intent)
        return session

    def pay_and_dispute(self, session_id: str) -> Thing:
        """The payer pays and then asks the bank for the money back."""
        session = self.pay(session_id, "card")
        self.later.append({"at": _now() + DELAY_SECONDS, "dispute": session["payment_intent"]})
        return session

    def dispute(self, intent_id: str) -> Thing:
        """The payer's bank asks for the money back."""
        intent = self.get("payment_intent", intent_id)
        dispute = self._add(
            "dispute",
            "du_",
            amount=intent["amount"],
            currency="cny",
            status="needs_response",
            reason="fraudulent",
            payment_intent=intent_id,
            charge=intent["latest_charge"],
            evidence_details={"due_by": _now() + 7 * 86400},
            metadata={},
        )
        self._tell("charge.dispute.created", dispute)
        return dispute

    def end_dispute(self, dispute_id: str, status: str) -> Thing:
        """The bank decides: won or lost."""
        dispute = self.get("dispute", dispute_id)
        dispute["status"] = status
        if status == "lost":
            intent = self.get("payment_intent", dispute["payment_intent"])
            self._move(intent, "payment_refund", -dispute["amount"], 0, dispute["id"])
        self._tell("charge.dispute.closed", dispute)
        return dispute

    def pay_out(self, account: str) -> Thing | None:
        """Transfer what an account holds to its bank; None when it holds nothing."""
        moves = [
            one
            for one in self.of("balance_transaction")
            if one["account"] == account and one["payout"] is None
        ]
        amount = sum(one["net"] for one in moves)
        if amount <= 0:
            return None
        payout = self._add(
            "payout",
            "po_",
            amount=amount,
            currency="cny",
            status="paid",
            arrival_date=_now(),
            account=account,
        )
        for one in moves:
            one["payout"] = payout["id"]
        self._tell("payout.created", payout | {"status": "in_transit"}, account=account)
        self._tell("payout.paid", payout, account=account)
        return payout

    def tick(self) -> bool:
        """Do what was put off until now; says whether anything happened."""
        due = [one for one in self.later if one["at"] <= _now()]
        self.later = [one for one in self.later if one["at"] > _now()]
        for one in due:
            if "dispute" in one:
                self.dispute(one["dispute"])
                continue
            session = self.get("checkout.session", one["session"])
            intent = self.get("payment_intent", session["payment_intent"])
            if one["succeeds"]:
                self._succeed(intent, "alipay")
                session["payment_status"] = "paid"
                self._tell("checkout.session.async_payment_succeeded", session)
            else:
                intent["status"] = "requires_payment_method"
                self._tell("payment_intent.payment_failed", intent)
                self._tell("checkout.session.async_payment_failed", session)
        return bool(due)

    def movements(self, payout_id: str, account: str) -> list[Thing]:
        """What a payout is made of, with the payments behind it."""
        return [
            one | {"source": self._source(one["source"])}
            for one in self.of("balance_transaction")
            if one["payout"] == payout_id and one["account"] == account
        ]

    def expanded_intent(self, intent_id: str) -> Thing:
        """A payment with its charge and the charge's fee."""
        intent = self.get("payment_intent", intent_id)
        charge = self.things.get(intent["latest_charge"] or "")
        return intent | {"latest_charge": charge}

    # ---- helpers, in order of use

    def _add(self, kind: str, prefix: str, **values: Any) -> Thing:
        made = {
            "id": prefix + secrets.token_hex(12),
            "object": kind,
            "created": _now(),
            "livemode": False,
            **values,
        }
        self.things[made["id"]] = made
        return made

    def _open(self, session_id: str) -> tuple[Thing, Thing]:
        session = self.get("checkout.session", session_id)
        if session["status"] != "open":
            raise Refusal(400, f"This Session is {session['status']}.")
        return session, self.get("payment_intent", session["payment_intent"])

    def _expire_when_due(self, session: Thing) -> None:
        if session["expires_at"] <= _now():
            session.update(status="expired", url=None)
            self._tell("checkout.session.expired", session)

    def _succeed(self, intent: Thing, means: str) -> None:
        fee = (intent["amount"] * FEE_PER_MILLE + 500) // 1000
        charge = self._add(
            "charge",
            "ch_",
            amount=intent["amount"],
            currency="cny",
            payment_intent=intent["id"],
            payment_method_details={"type": means},
            metadata=intent["metadata"],
            balance_transaction={"id": "txn_of_charge", "fee": fee},
        )
        intent.update(
            status="succeeded",
            amount_received=intent["amount"],
            latest_charge=charge["id"],
            last_payment_error=None,
        )
        self._move(intent, "payment", intent["amount"], fee, charge["id"])
        self._tell("payment_intent.succeeded", intent)
        self._tell("charge.succeeded", charge)

    def _move(self, intent: Thing, kind: str, amount: int, fee: int, source: str) -> None:
        self._add(
            "balance_transaction",
            "txn_",
            type=kind,
            amount=amount,
            fee=fee,
            net=amount - fee,
            currency="cny",
            source=source,
            payout=None,
            account=intent["transfer_data"]["destination"],
        )

    def _source(self, source_id: str) -> Thing:
        source = self.things[source_id]
        if source["object"] == "charge":
            return {
                "id": f"py_{source_id[3:]}",
                "object": "charge",
                "source_transfer": {"source_transaction": source},
            }
        return source

    def _tell(self, told: str, thing: Thing, *, account: str | None = None) -> None:
        if thing["id"] in self.quiet or thing.get("payment_intent") in self.quiet:
            return
        event: Thing = {
            "id": "evt_" + secrets.token_hex(12),
            "object": "event",
            "type": told,
            "created": _now(),
            "livemode": False,
            "pending_webhooks": 1,
            "data": {"object": json.loads(json.dumps(thing))},
        }
        if account:
            event["account"] = account
        self.outgoing.append(event)


def _now() -> int:
    return int(clock.now().timestamp())
