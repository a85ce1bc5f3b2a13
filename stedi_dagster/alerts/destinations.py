"""Where alerts go: Apprise URLs and an SNS topic. Problems are reported without quoting any part of a URL."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from stedi_dagster.alerts.message import Message
from stedi_dagster.errors import AwsError, StediError
from stedi_dagster.settings import Settings
from stedi_dagster.settings.alert_urls import open_url, scheme_of, split_urls

# Seconds that a destination has to accept one alert.
TIME_LIMIT = 10.0

# How Apprise's services log the status of a response.
_STATUS = re.compile(r"\berror=(\d{3})\b")


class NotTakenError(StediError):
    """A destination did not accept an alert."""


@dataclass(frozen=True)
class Destination:
    """One place that alerts go to."""

    name: str
    address: str
    send: Callable[[Message], None]

    def __repr__(self) -> str:
        return f"Destination({self.name!r})"


def destinations_of(settings: Settings) -> list[Destination]:
    """The destinations in the settings, each once."""
    urls = split_urls(settings.alert_urls.get_secret_value()) if settings.alert_urls else []
    found = {
        url: Destination(f"{scheme_of(url)} (URL {position})", url, _by_apprise(url))
        for position, url in enumerate(urls, start=1)
    }
    topic = settings.alert_topic_arn
    if topic:
        found[topic] = Destination(f"SNS topic {topic.rpartition(':')[2]}", topic, _by_sns(topic))
    return list(found.values())


def _by_apprise(url: str) -> Callable[[Message], None]:
    def send(message: Message) -> None:
        import apprise

        service = open_url(url)
        if service is None:
            raise NotTakenError("Apprise cannot send to its URL")
        sender = apprise.Apprise()
        sender.add(service)
        result = sender.notify(
            title=message.subject,
            body=message.body,
            notify_type=apprise.NotifyType(message.tone.value),
            body_format=apprise.NotifyFormat.TEXT,
            timeout=TIME_LIMIT,
        )
        if not result:
            raise NotTakenError(_problem(result))

    return send


def _problem(result: object) -> str:
    """What went wrong according to Apprise, but not in its words: they may quote the URL or a response."""
    import apprise

    assert isinstance(result, apprise.AppriseResult)  # noqa: S101 - what `notify` returns
    if result.status == apprise.AppriseResultStatus.TIMEOUT:
        return f"no answer within {TIME_LIMIT:g} s"
    for entry in result.logs():
        if status := _STATUS.search(entry.message):
            return f"it answered {status[1]}"
        if "connection error" in entry.message.lower():
            return "the connection failed"
    return "it was not accepted"


def _by_sns(topic: str) -> Callable[[Message], None]:
    def send(message: Message) -> None:
        from stedi_dagster import aws

        region = topic.split(":")[3]
        try:
            sns = aws.client("sns", region, attempts=1, read_timeout=TIME_LIMIT)
            with aws.aws_errors("publishing an alert"):
                sns.publish(TopicArn=topic, Subject=message.subject, Message=message.body)
        except AwsError as error:
            raise NotTakenError(str(error).rstrip(".")) from None

    return send
