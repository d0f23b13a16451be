"""When N can't be had: how many there were, which field repeats, what to change; and no more asks than allowed."""

import pytest
from tests.run.drive import OLD, Site, spec
from tests.standin import Standin

from ffgen.errors import ShortfallError, SpecError


@pytest.mark.parametrize("workers", [0, 1])
def test_a_model_that_runs_dry_is_told_by_number_and_field(site: Site, server: Standin, workers: int) -> None:
    server.set(pool=20)
    site.path().write_bytes(OLD)
    with pytest.raises(ShortfallError) as caught:
        site.here(spec(server.url, 100), workers=workers)
    error = caught.value
    assert error.exit_code == 3
    assert "gave 20 distinct records of 100" in error.what and "`name` repeats most" in error.what
    assert "20 different values" in error.what
    assert "`name`" in error.hint and "--max-asks" in error.hint
    assert site.path().read_bytes() == OLD and site.leftovers() == []


def test_the_budget_bounds_the_asks(site: Site, server: Standin) -> None:
    server.set(pool=20)
    with pytest.raises(ShortfallError):
        site.here(spec(server.url, 80), max_asks=2)
    assert server.stats()["replies"] == server.stats()["requests"] == 20
    assert server.stats()["max_in_flight"] <= 4


def test_bad_replies_count_in_the_budget_and_failures_do_not(site: Site, server: Standin) -> None:
    server.set(empty=1.0, http500=0.3)
    with pytest.raises(ShortfallError, match="0 distinct records of 40 in 10 asks") as caught:
        site.here(spec(server.url, 40), max_asks=2)
    assert server.stats()["replies"] == 10 < server.stats()["requests"]
    assert "10 bad replies" in caught.value.what


def test_refused_rows_name_their_field_and_reason(site: Site, server: Standin) -> None:
    server.set(wrong=1.0)
    source = spec(server.url, 40, [{"name": "age", "type": "integer", "range": [18, 9000]}])
    with pytest.raises(ShortfallError, match="by `age`"):
        site.here(source, max_asks=1)


def test_more_asks_go_on_from_the_replies_that_are_there(site: Site, server: Standin) -> None:
    server.set(duplicates=0.7)
    source = spec(server.url, 80)
    with pytest.raises(ShortfallError):
        site.here(source, max_asks=1)
    server.reset()
    report = site.here(source, max_asks=20)
    assert report.kept == 10 and report.records == 80 and report.duplicates > 0
    assert server.stats()["repeated"] == 0


def test_what_can_not_be_is_refused_before_anything_is_asked(site: Site, server: Standin) -> None:
    age = {"name": "age", "type": "integer", "range": [18, 80]}
    fields = [age, {"name": "rank", "type": "enum", "values": ["low", "mid", "high"]}]
    with pytest.raises(SpecError, match="189") as caught:
        site.here(spec(server.url, 1000, fields))
    assert caught.value.exit_code == 2 and server.stats()["requests"] == 0
