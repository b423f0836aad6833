"""Webhooks through the client: made, read, changed, listed, deleted; deliveries are tested without the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mlflow.entities.webhook import WebhookStatus

from tests.clients.mlflow.wire import refused

if TYPE_CHECKING:
    from mlflow import MlflowClient

ours = pytest.mark.quarterdeck_only


def test_a_webhook_comes_back_without_its_secret(client: MlflowClient, name: str) -> None:
    made = client.create_webhook(
        name,
        "https://93.184.215.14/hook",
        ["model_version.created"],
        description="d",
        secret="s3cret",  # noqa: S106 - a test's
    )
    found = client.get_webhook(made.webhook_id)
    assert (found.name, found.url, found.description) == (name, "https://93.184.215.14/hook", "d")
    assert [str(event) for event in found.events] == ["model_version.created"]
    assert found.status == WebhookStatus.ACTIVE
    assert found.secret is None
    assert found.creation_timestamp > 1_600_000_000_000


def test_a_webhook_is_changed_and_deleted(client: MlflowClient, name: str) -> None:
    made = client.create_webhook(name, "https://93.184.215.14/hook", ["registered_model.created"])
    client.update_webhook(made.webhook_id, description="second", status="DISABLED")
    found = client.get_webhook(made.webhook_id)
    assert (found.name, found.description, found.status) == (name, "second", WebhookStatus.DISABLED)
    client.delete_webhook(made.webhook_id)
    said = refused(client.get_webhook, made.webhook_id)
    assert (said.code, said.status) == ("RESOURCE_DOES_NOT_EXIST", 404)


def test_webhooks_are_listed_in_pages(client: MlflowClient, name: str) -> None:
    made = {
        client.create_webhook(f"{name}-{number}", "https://93.184.215.14/hook", ["model_version.created"]).webhook_id
        for number in range(3)
    }
    seen: set[str] = set()
    token = None
    for _ in range(50):
        page = client.list_webhooks(max_results=2, page_token=token)
        seen |= {one.webhook_id for one in page}
        token = page.token
        if not token:
            break
    assert made <= seen


@pytest.mark.parametrize("url", ["ftp://example.org/x", "file:///etc/passwd", "not an address", "http://"])
def test_a_bad_address_is_refused(client: MlflowClient, name: str, url: str) -> None:
    assert refused(client.create_webhook, name, url, ["model_version.created"]).status == 400


@ours
@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/x", "https://10.0.0.1/x", "https://[::1]/x", "https://169.254.169.254/"]
)
def test_an_address_of_this_network_is_refused(client: MlflowClient, name: str, url: str) -> None:
    assert refused(client.create_webhook, name, url, ["model_version.created"]).status in (400, 403)


def test_a_webhook_for_nothing_is_refused(client: MlflowClient, name: str) -> None:
    assert refused(client.create_webhook, name, "https://93.184.215.14/hook", []).status == 400
