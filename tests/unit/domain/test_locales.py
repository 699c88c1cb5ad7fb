"""Language tags: RFC 5646's own examples, and the recommended case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import locales


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("en", "en"),
        ("EN-us", "en-US"),
        ("mn-cyrl-mn", "mn-Cyrl-MN"),
        ("MN-CYRL-mn", "mn-Cyrl-MN"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("zh-cmn-hans-cn", "zh-cmn-Hans-CN"),
        ("sl-rozaj-biske", "sl-rozaj-biske"),
        ("de-CH-1901", "de-CH-1901"),
        ("es-419", "es-419"),
        ("de-DE-u-co-phonebk", "de-DE-u-co-phonebk"),
        ("en-US-u-islamcal", "en-US-u-islamcal"),
        ("de-CH-x-phonebk", "de-CH-x-phonebk"),
        ("X-Whatever", "x-whatever"),
        ("tlh", "tlh"),
        ("en-a-bbb-x-A-ccc", "en-a-bbb-x-a-ccc"),
    ],
)
def test_well_formed_tags(written: str, canonical: str) -> None:
    """Examples of RFC 5646 sections 2.1.1 and appendix A."""
    assert locales.canonical(written) == canonical


@pytest.mark.parametrize(
    "written",
    [
        "",
        "e",
        "en_US",
        "en-",
        "-en",
        "en--US",
        "en-US-",
        "a-DE",
        "de-419-DE",
        "de-a",
        "ar-a-aaa-a-bbb",
        "de-1901-1901",
        "x",
        "en-x",
        "en-abcdefghi",
        "en-US-GB",
        "en US",
        "en\n",
        "én",
        "e1",
        "a" * 36,
    ],
)
def test_malformed_tags(written: str) -> None:
    """Also the wrong examples of RFC 5646 appendix A; the sentence names the format."""
    with pytest.raises(ValueError, match="BCP 47"):
        locales.canonical(written)


@given(st.lists(st.text("abcXYZ019", min_size=1, max_size=8), min_size=1, max_size=5).map("-".join))
def test_the_canonical_form_is_stable(written: str) -> None:
    """Canonical once is canonical for ever, and only the case ever differs."""
    try:
        canonical = locales.canonical(written)
    except ValueError:
        return
    assert locales.canonical(canonical) == locales.canonical(written.upper()) == canonical
    assert canonical.lower() == written.lower()
