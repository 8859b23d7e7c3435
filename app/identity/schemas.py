"""What the forms of this room take."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validates

from app.config import LANGUAGES
from app.identity.permissions import ACTIONS, ROLES
from app.identity.rules import LONGEST, login_name
from app.kernel.errors import N_
from app.web.fields import Choice, Choices, Date, Flag, Id, Schema, Text, Whole


class Secret(fields.String):
    """A password as it was typed, spaces and all; never shown again."""

    def __init__(self) -> None:
        super().__init__(required=True)

    def read_text(self, text: str) -> str:
        """Nothing is trimmed."""
        return text[: LONGEST + 1]


class _Login(Schema):
    login = Text(required=True, least=1, most=254)

    @validates("login")
    def _readable(self, value: str, **_more: object) -> None:
        if login_name(value) is None:
            raise ValidationError(N_("请填写 11 位手机号或邮箱。"))


class SignInForm(Schema):
    """Signing in. What is typed is not judged: a wrong name and a wrong password read alike."""

    login = Text(required=True, least=1, most=254)
    password = Secret()


class SignUpForm(_Login):
    """A resident's account."""

    name = Text(required=True, least=1, most=50)
    password = Secret()
    agreed = Flag()

    @validates("agreed")
    def _must_agree(self, value: bool, **_more: object) -> None:
        if not value:
            raise ValidationError(N_("请阅读并同意个人信息的使用说明。"))


class CodeForm(Schema):
    """A code of the second factor, or a recovery code."""

    code = Text(required=True, least=1, most=40)


class BindForm(Schema):
    """The code printed on a bill."""

    code = Text(required=True, least=1, most=60)


class ChangePasswordForm(Schema):
    """A new password for the old."""

    old = Secret()
    password = Secret()


class SetPasswordForm(Schema):
    """A password by a link."""

    password = Secret()


class ResetForm(_Login):
    """A password by the code that the community's staff handed over."""

    code = Text(required=True, least=1, most=40)
    password = Secret()


class ProfileForm(Schema):
    """How the house addresses somebody."""

    name = Text(required=True, least=1, most=50)
    language = Choice(LANGUAGES, required=True)
    elder_mode = Flag()


class GrantForm(_Login):
    """A role for somebody."""

    name = Text(required=True, least=1, most=50)
    role = Choice(ROLES, required=True)
    starts_on = Date(required=True)
    ends_on = Date(load_default=None, allow_none=True)


class TokenForm(Schema):
    """A program's token."""

    name = Text(required=True, least=1, most=60)
    actions = Choices(ACTIONS, load_default=list)
    community_ids = fields.List(Id(), load_default=list)
    days = Whole(required=True, least=1, most=366)


class RenewCodeForm(Schema):
    """A new binding code."""

    end_bindings = Flag()
