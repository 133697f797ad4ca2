from __future__ import annotations

import time

import bcrypt
import pytest

from packyard.auth import passwords
from packyard.errors import ParameterInvalid

CHEAP = bcrypt.hashpw(b"secret", b"$2b$04$......................").decode()


def test_a_hash_opens_with_its_password_alone() -> None:
    hashed = passwords.hash_password("päßwörte")
    assert passwords.is_hash(hashed)
    assert passwords.cost_of(hashed) == passwords.COST
    assert passwords.opens("päßwörte".encode(), hashed)
    assert not passwords.opens(b"passwort", hashed)


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("", "at least 8 characters; this has 0"),
        ("päßword", "at least 8 characters; this has 7"),
        ("x" * 73, "at most 72 bytes"),
        ("é" * 37, "at most 72 bytes"),
        ("a\0bcdefgh", "no zero byte"),
        ("\ud800abcdefg", "UTF-8"),
    ],
)
def test_a_password_that_is_short_or_that_bcrypt_would_cut_is_not_set(
    password: str, fault: str
) -> None:
    with pytest.raises(ParameterInvalid, match=fault):
        passwords.hash_password(password)


def test_of_a_long_password_the_first_72_bytes_count_as_everywhere() -> None:
    hashed = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert passwords.opens(b"x" * 72 + b"more", hashed)
    assert not passwords.opens(b"x" * 71, hashed)


@pytest.mark.parametrize("password", [b"", b"secret\0", b"\xff\xfe", b"SECRET"])
def test_odd_passwords_open_nothing(password: bytes) -> None:
    assert not passwords.opens(password, CHEAP)


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_hashes_of_every_bcrypt_program_open(prefix: str) -> None:
    hashed = prefix + CHEAP[4:]
    assert passwords.is_hash(hashed)
    assert passwords.opens(b"secret", hashed)


@pytest.mark.parametrize(
    "text", ["", "$2b$", CHEAP[:-1], CHEAP + "x", "$2b$99" + CHEAP[6:], "$apr1$a$b", "{SHA}abc="]
)
def test_what_is_no_bcrypt_hash_is_seen(text: str) -> None:
    assert not passwords.is_hash(text)


def test_pretending_takes_as_long_as_verifying() -> None:
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(9)).decode()
    verifying, pretending = (
        _seconds(lambda: passwords.opens(b"wrong", hashed)),
        _seconds(lambda: passwords.pretend(9)),
    )
    assert pretending == pytest.approx(verifying, rel=0.5)


def test_generated_passwords_are_long_and_never_the_same() -> None:
    generated = {passwords.generate() for _ in range(50)}
    assert len(generated) == 50
    assert all(len(password) == 20 and password.isalnum() for password in generated)


def _seconds(work: object) -> float:
    """The best of some runs, since other programs share the machine."""
    assert callable(work)
    best = float("inf")
    for _ in range(7):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best
