"""A secret shows itself only when it is asked to."""

import pickle
import traceback

import pytest

from treadle.secrets.secret import Secret

VALUE = b"correct horse battery staple"


@pytest.mark.parametrize(
    "show", [str, repr, "{}".format, "{!r:>40}".format, lambda secret: f"{secret:>20}", lambda secret: str([secret])]
)
def test_it_prints_redacted(show):
    shown = show(Secret(VALUE))
    assert "[redacted]" in shown
    assert "horse" not in shown


def test_it_stays_hidden_in_a_traceback():
    try:
        raise ValueError(Secret(VALUE))
    except ValueError:
        assert "horse" not in traceback.format_exc()


def test_it_is_not_pickled():
    with pytest.raises(TypeError):
        pickle.dumps(Secret(VALUE))


def test_it_reveals_itself_and_compares():
    assert Secret(VALUE).reveal() == VALUE
    assert Secret(VALUE).text() == VALUE.decode()
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret(b"other")
    assert Secret(VALUE) != VALUE


def test_it_is_no_key_of_a_table():
    with pytest.raises(TypeError):
        hash(Secret(VALUE))
