"""Personal data at rest: sealed with rotating keys, found by keyed digests."""

from __future__ import annotations

import base64

import pytest
from cryptography.fernet import InvalidToken
from sqlalchemy import text

from app.kernel.db import db
from app.kernel.seal import digest, normal_phone, seal, unseal

OLD, NEW = (base64.urlsafe_b64encode(bytes([n]) * 32).decode() for n in (1, 2))


@pytest.fixture
def keys(house):
    """Set the keys in force; the application's own come back."""
    before = dict(house.config)

    def put(**values: str) -> None:
        house.config.update(values)

    yield put
    house.config.update(before)


def test_a_new_key_seals_and_the_old_still_reads(keys):
    keys(LINLI_FIELD_KEY=OLD)
    old = seal("13800138000")
    keys(LINLI_FIELD_KEY=f"{NEW},{OLD}")
    new = seal("13800138000")
    assert unseal(old) == unseal(new) == "13800138000"
    keys(LINLI_FIELD_KEY=NEW)
    assert unseal(new) == "13800138000"
    with pytest.raises(InvalidToken):
        unseal(old)


def test_equal_texts_are_sealed_differently_and_never_in_the_clear(house):
    one, two = seal("13800138000"), seal("13800138000")
    assert one != two
    assert b"13800138000" not in one


def test_a_tampered_seal_does_not_open(house):
    sealed = bytearray(seal("secret"))
    sealed[-3] ^= 1
    with pytest.raises(InvalidToken):
        unseal(bytes(sealed))


def test_digests_are_equal_for_equal_texts_and_depend_on_the_key(keys):
    keys(LINLI_DIGEST_KEY="one")
    first = digest("13800138000")
    assert first == digest("13800138000") != digest("13800138001")
    assert len(first) == 32
    keys(LINLI_DIGEST_KEY="two")
    assert digest("13800138000") != first


@pytest.mark.parametrize(
    ("typed", "plain"),
    [("１３８ ００１３ ８０００", "13800138000"), ("+86 138-0013-8000", "13800138000"),
     ("021-12345678", "02112345678"), ("8613800138000", "13800138000"), ("", "")],
)  # fmt: skip
def test_phones_are_compared_as_digits(typed: str, plain: str):
    assert normal_phone(typed) == plain


def test_a_sealed_column_is_cipher_in_the_table_and_text_in_python(town):
    from app.registry.models import Person

    person = Person(community_id=town.community_id, name="王五", phone="13912345678")
    db.session.add(person)
    db.session.commit()
    raw = db.session.execute(text("SELECT phone FROM person WHERE name = '王五'")).scalar_one()
    assert b"13912345678" not in bytes(raw)
    db.session.refresh(person)
    assert person.phone == "13912345678"
