"""Missing reference data skips a test, and fails it where a run must not be without."""

import pytest

from .reference_data import reference_data


def test_the_folder_that_is_named(tmp_path):
    named = {"PROTOFACE_SHARED": str(tmp_path)}
    assert reference_data(named) == tmp_path
    assert reference_data({**named, "PROTOFACE_REQUIRE_SHARED": "1"}) == tmp_path


@pytest.mark.parametrize("required", ["", "0"])
def test_without_it_a_test_is_skipped(tmp_path, required):
    given = {"PROTOFACE_SHARED": str(tmp_path / "no"), "PROTOFACE_REQUIRE_SHARED": required}
    with pytest.raises(pytest.skip.Exception, match="needs the reference data, which is not at .*no "):
        reference_data(given)


def test_where_it_is_required_a_test_fails(tmp_path):
    given = {"PROTOFACE_SHARED": str(tmp_path / "no"), "PROTOFACE_REQUIRE_SHARED": "1"}
    with pytest.raises(pytest.fail.Exception, match="needs the reference data"):
        reference_data(given)
