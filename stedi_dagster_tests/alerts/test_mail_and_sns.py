"""Delivery by mail, to a server that is down and comes back, and to an SNS topic."""

import json
from contextlib import contextmanager
from email import message_from_bytes, policy
from typing import Any

import boto3
import pytest
from aiosmtpd.controller import Controller
from moto import mock_aws

from stedi_dagster_tests.alerts.listeners import AGAIN, FAILS, failing, passing, run
from stedi_dagster_tests.ports import free_port


class Mailbox:
    """What an SMTP server took."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.answer = "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answer.startswith("250"):
            self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return self.answer


@contextmanager
def mail_server(mailbox: Mailbox, port: int) -> Any:
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


def test_mail_reaches_every_recipient_also_when_the_server_was_down(instance, round_of):
    port, mailbox = free_port(), Mailbox()
    url = f"mailto://127.0.0.1:{port}?from=stedi@example.com&to=ops@example.com,audit@example.com&mode=insecure"
    run_id = run(instance, failing())
    assert round_of(alert_urls=url).problems == ["1 alert waits for mailto (URL 1): the connection failed."]
    with mail_server(mailbox, port):
        mailbox.answer = "451 try later"
        assert round_of(alert_urls=url).sent == 0
        mailbox.answer = "250 OK"
        assert round_of(alert_urls=url).problems == []
    assert sorted(to for tos, _ in mailbox.mails for to in tos) == ["audit@example.com", "ops@example.com"]
    _, mail = mailbox.mails[0]
    assert mail["subject"] == FAILS
    text = mail.get_body(("plain", "html")).get_content()
    assert "3 rows without consent" in text
    assert f"/runs/{run_id}" in text


@pytest.fixture
def sns(monkeypatch):
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("sns", region_name="eu-west-1")


def test_sns_publishes_to_the_topic_in_the_topics_own_region(instance, round_of, sns):
    sqs = boto3.client("sqs", region_name="eu-west-1")
    queue = sqs.create_queue(QueueName="ops")["QueueUrl"]
    topic = "arn:aws:sns:eu-west-1:123456789012:alerts"
    run(instance, failing())
    refused = round_of(alert_urls=None, alert_topic_arn=topic)
    assert refused.problems == [
        "1 alert waits for SNS topic alerts: AWS refused publishing an alert: Publish returned NotFound."
    ]
    assert sns.create_topic(Name="alerts")["TopicArn"] == topic
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    run(instance, passing())
    assert round_of(alert_urls=None, alert_topic_arn=topic).problems == []
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    published = [json.loads(message["Body"]) for message in received]
    assert [message["Subject"] for message in published] == [FAILS, AGAIN]
    assert "Found: There are rows that nobody agreed to. 3 rows without consent" in published[0]["Message"]


def test_without_credentials_an_alert_for_sns_waits(instance, round_of, monkeypatch):
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    run(instance, failing())
    [problem] = round_of(alert_urls=None, alert_topic_arn="arn:aws:sns:eu-west-1:123456789012:alerts").problems
    assert "There are no AWS credentials for publishing an alert" in problem
