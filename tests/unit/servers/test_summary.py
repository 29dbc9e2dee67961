"""The summary of a run's servers: every source is named, and each test counts once a server."""

import json

from tests.servers.summary import Summary


def test_a_run_without_servers_has_no_summary() -> None:
    summary = Summary()
    summary.count(["tmp_path"])
    assert summary.lines() == []


def test_each_server_is_named_with_its_source_and_its_tests() -> None:
    summary = Summary()
    summary.came_from("Postgres", "a container of postgres:16", container=True)
    summary.count(["postgres_server", "bid_db_url"])
    summary.count(["tmp_path"])
    summary.came_from("RabbitMQ", "this machine's programs (no Docker engine answers)")
    summary.count(["rabbitmq_url", "own_rabbitmq_server"])
    summary.count(["rabbitmq_url", "postgres_server"])
    assert summary.lines() == [
        "Postgres from a container of postgres:16: 2 tests",
        "RabbitMQ from this machine's programs (no Docker engine answers): 2 tests",
        "2 tests ran on containers",
    ]


def test_a_server_of_two_sources_names_both() -> None:
    summary = Summary()
    summary.came_from("Redis", "GAVEL_TEST_REDIS_URL")
    summary.came_from("Redis", "a container of redis:7-alpine", container=True)
    summary.came_from("Redis", "GAVEL_TEST_REDIS_URL")
    assert summary.lines()[0] == "Redis from GAVEL_TEST_REDIS_URL and a container of redis:7-alpine: 0 tests"


def test_the_summaries_of_several_workers_add_up() -> None:
    total, workers = Summary(), [Summary(), Summary()]
    workers[0].came_from("Redis", "GAVEL_TEST_REDIS_URL")
    workers[1].came_from("Postgres", "a container of postgres:16", container=True)
    for worker in workers:
        worker.came_from("Redis", "a container of redis:7-alpine", container=True)
        worker.count(["redis_url", "postgres_server"])
        # As it comes from another process.
        total.add(json.loads(json.dumps(worker.state())))
    assert total.lines() == [
        "Postgres from a container of postgres:16: 1 tests",
        "Redis from GAVEL_TEST_REDIS_URL and a container of redis:7-alpine: 2 tests",
        "2 tests ran on containers",
    ]
