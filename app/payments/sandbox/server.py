"""The stub's door: Stripe's API below /v1/, its own pages beside it."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from app.payments.sandbox import faces, forms
from app.payments.sandbox.desk import CAN_PAY, Desk, Refusal, Thing
from app.payments.sandbox.messenger import Messenger

LARGEST_BODY = 256 * 1024

Answer = Callable[["Handler", str, Thing], Thing]


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Sandbox
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Read."""
        self._answer({})

    def do_POST(self) -> None:
        """Write."""
        size = min(int(self.headers.get("Content-Length") or 0), LARGEST_BODY)
        self._answer(forms.read(self.rfile.read(size).decode()))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the house keeps its own log."""

    def _answer(self, params: Thing) -> None:
        desk = self.server.desk
        path = urlsplit(self.path).path
        with desk.lock:
            try:
                if path.startswith("/v1/"):
                    self._api(path, params)
                else:
                    self._page(path, params)
            except Refusal as refusal:
                self._say(
                    refusal.status,
                    {"error": {"type": refusal.kind, "message": refusal.message}},
                )
            desk.keep()

    def _api(self, path: str, params: Thing) -> None:
        if not self.headers.get("Authorization", "").startswith("Bearer sk_test_"):
            raise Refusal(401, "You did not provide an API key.")
        key = self.headers.get("Idempotency-Key") if self.command == "POST" else None
        asked = json.dumps([path, params], sort_keys=True)
        if key and key in self.server.desk.answers:
            known = self.server.desk.answers[key]
            if known["asked"] != asked:
                raise Refusal(400, "Keys for idempotent requests…", "idempotency_error")
            self._say(known["status"], known["said"], {"Idempotent-Replayed": "true"})
            return
        for method, pattern, answer in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method == self.command:
                said = answer(self, found[1] if found.groups() else "", params)
                if key:
                    self.server.desk.answers[key] = {"asked": asked, "status": 200, "said": said}
                self._say(200, said)
                return
        raise Refusal(404, f"Unrecognized request URL ({self.command}: {path}).")

    def _page(self, path: str, params: Thing) -> None:
        desk = self.server.desk
        found = re.fullmatch(r"/checkout/(cs_test_\w+)", path)
        if found and self.command == "POST":
            self._go(self._choose(found[1], str(params.get("act"))))
        elif found:
            session = desk.get("checkout.session", found[1])
            intent = desk.get("payment_intent", session["payment_intent"])
            self._html(faces.checkout(session, intent))
        elif path == "/act" and self.command == "POST":
            self._act(str(params.get("act")), str(params.get("id")))
            self._go("/")
        elif path == "/":
            self._html(
                faces.back_room(desk.of("payment_intent"), desk.of("dispute"), desk.of("payout"))
            )
        else:
            raise Refusal(404, "There is nothing here.")

    def _choose(self, session_id: str, act: str) -> str:
        """Let the payer do what was chosen; gives where to go then."""
        desk = self.server.desk
        session = desk.get("checkout.session", session_id)
        if act == "decline":
            desk.decline(session_id)
            return f"/checkout/{session_id}"
        if act == "abandon":
            return str(session["cancel_url"])
        if act in CAN_PAY:
            desk.pay(session_id, act)
        elif act == "lost":
            desk.pay(session_id, "card", notify=False)
        elif act in ("delayed", "delayed_failure"):
            desk.pay_later(session_id, succeeds=act == "delayed")
        elif act == "dispute":
            desk.pay_and_dispute(session_id)
        else:
            raise Refusal(400, "Unknown choice.")
        return str(session["success_url"])

    def _act(self, act: str, subject: str) -> None:
        desk = self.server.desk
        if act == "dispute":
            desk.dispute(subject)
        elif act in ("won", "lost"):
            desk.end_dispute(subject, act)
        elif act == "payout":
            desk.pay_out(subject)

    def _say(self, status: int, said: Thing, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(said), "application/json", headers or {})

    def _html(self, text: str) -> None:
        self._send(200, text, "text/html; charset=utf-8", {})

    def _go(self, where: str) -> None:
        self._send(303, "", "text/plain", {"Location": where})

    def _send(self, status: int, text: str, kind: str, headers: dict[str, str]) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _movements(handler: Handler, _subject: str, _params: Thing) -> Thing:
    asked = parse_qs(urlsplit(handler.path).query)
    account = handler.headers.get("Stripe-Account") or ""
    found = handler.server.desk.movements(asked.get("payout", [""])[0], account)
    return {"object": "list", "url": "/v1/balance_transactions", "has_more": False, "data": found}


SESSION, INTENT = "checkout.session", "payment_intent"
SESSIONS = "/v1/checkout/sessions"
ROUTES: tuple[tuple[str, str, Answer], ...] = (
    ("POST", SESSIONS, lambda h, _, p: h.server.desk.create_session(p)),
    ("GET", SESSIONS + r"/(\w+)", lambda h, i, _: h.server.desk.get(SESSION, i)),
    ("POST", SESSIONS + r"/(\w+)/expire", lambda h, i, _: h.server.desk.expire_session(i)),
    ("GET", r"/v1/payment_intents/(\w+)", lambda h, i, _: h.server.desk.expanded_intent(i)),
    ("POST", r"/v1/refunds", lambda h, _, p: h.server.desk.create_refund(p)),
    ("GET", r"/v1/refunds/(\w+)", lambda h, i, _: h.server.desk.get("refund", i)),
    ("GET", r"/v1/disputes/(\w+)", lambda h, i, _: h.server.desk.get("dispute", i)),
    ("GET", r"/v1/payouts/(\w+)", lambda h, i, _: h.server.desk.get("payout", i)),
    ("GET", r"/v1/balance_transactions", _movements),
)  # fmt: skip


class Sandbox(ThreadingHTTPServer):
    """The stub, listening; `notify_url` is where it takes its notifications."""

    desk: Desk
    daemon_threads = True

    def __init__(self, ear: socket.socket, desk: Desk, notify_url: str, secret: str) -> None:
        super().__init__(ear.getsockname()[:2], Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = ear
        self.desk = desk
        self.messenger = Messenger(desk, notify_url, secret)

    def serve(self) -> None:
        """Run until stopped."""
        self.messenger.start()
        self.serve_forever(poll_interval=0.2)

    def stop(self) -> None:
        """End both threads."""
        self.messenger.over.set()
        self.shutdown()
        self.socket.close()


def at(ear: socket.socket, desk: Desk, notify_url: str, secret: str) -> Sandbox:
    """A stub on a socket that is listening already."""
    host, port = ear.getsockname()[:2]
    desk.base = f"http://{host}:{port}"
    return Sandbox(ear, desk, notify_url, secret)


__all__: list[Any] = ["Sandbox", "at"]
