"""A finished run repeated asks nothing; a run that stopped asks for what it had not got."""

import pytest
from tests.run.drive import Site, spec
from tests.standin import Standin, start

from ffgen.errors import EndpointError


@pytest.mark.parametrize("workers", [0, 1])
def test_a_finished_run_repeated_asks_nothing(site: Site, server: Standin, workers: int) -> None:
    server.set(malformed=0.2, duplicates=0.2, wrong=0.1)
    source = spec(server.url, 60)
    first = site.here(source, workers=workers)
    digest, asked = site.digest(), server.stats()["requests"]
    site.path().unlink()
    again = site.here(source, workers=workers)
    assert site.digest() == digest and server.stats()["requests"] == asked
    # The first run may have asked for one make-up shard more than it needed; a repeated one looks at none of these.
    assert again.requests == 0 and 8 <= again.kept == again.replies <= first.replies
    assert again.duplicates > 0 and again.refused and again.bad_replies <= first.bad_replies


def test_fresh_asks_again_and_keeps_the_new_replies(site: Site, server: Standin) -> None:
    source = spec(server.url, 40)
    site.here(source)
    digest = site.digest()
    server.reset()
    report = site.here(source, fresh=True)
    assert report.kept == 0 and server.stats()["requests"] == report.requests > 0
    assert site.digest() == digest, "this server answers the same to the same"
    server.reset()
    assert site.here(source).requests == 0 == server.stats()["requests"]


def test_other_settings_that_change_no_question_ask_nothing(site: Site, server: Standin) -> None:
    site.here(spec(server.url, 40))
    asked = server.stats()["requests"]
    site.here(spec(server.url, 40, concurrency=1, timeout="5s", patience="1s"), "other.csv")
    assert server.stats()["requests"] == asked


def test_kept_replies_need_no_server(site: Site) -> None:
    with start() as server:
        source = spec(server.url, 40)
        site.here(source)
    digest = site.digest()
    site.path().unlink()
    assert site.here(source).requests == 0 and site.digest() == digest
    with pytest.raises(EndpointError, match="127.0.0.1"):
        site.here(source, fresh=True)
    assert site.digest() == digest


def test_kept_replies_serve_another_address_of_the_same_model(site: Site) -> None:
    with start() as server:
        site.here(spec(server.url, 40))
    digest = site.digest()
    with start() as other:
        assert site.here(spec(other.url, 40), "other.jsonl").requests == 0 == other.stats()["requests"]
    assert site.digest("other.jsonl") == digest


def test_more_records_ask_for_the_rest_only(site: Site, server: Standin) -> None:
    """Whole batches of the smaller run are batches of the larger one, once there are as many as the space has cells."""
    site.here(spec(server.url, 56))
    asked = server.stats()["requests"]
    report = site.here(spec(server.url, 96))
    assert report.kept == asked == 7 and report.requests == 5
