"""The operations of EMR Serverless that interactive sessions need, on what the stand-in holds."""

import base64
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from stedi_dagster_tests.aws.emr_standin.knobs import REGION
from stedi_dagster_tests.aws.emr_standin.model import RefusedError
from stedi_dagster_tests.aws.emr_standin.proxy import Proxy
from stedi_dagster_tests.aws.emr_standin.sessions import ENDED, READY, Session
from stedi_dagster_tests.aws.emr_standin.standin import Standin

# On AWS https://<session>.s.emr-serverless-services.<region>.amazonaws.com, without a port: it is 443.
ENDPOINT = "https://127.0.0.1:{port}"
_DASHBOARD = "https://p-{session}.emrappui-prod.{region}.amazonaws.com/shs/?authToken={token}"
Operation = Callable[[Standin, dict[str, Any]], dict[str, Any]]


def get_application(standin: Standin, asked: dict[str, Any]) -> dict[str, Any]:
    _check_application(standin, asked)
    return {"application": standin.application}


def start_application(standin: Standin, asked: dict[str, Any]) -> dict[str, Any]:
    _check_application(standin, asked)
    standin.application["state"] = "STARTED"
    return {}


def start_session(standin: Standin, asked: dict[str, Any]) -> dict[str, Any]:
    _check_application(standin, asked)
    for earlier in standin.sessions.values():
        if earlier.request["clientToken"] == asked["clientToken"]:
            if earlier.request != asked:
                raise RefusedError("ConflictException", "The clientToken was used for another request.")
            return _started(earlier)
    if not standin.application.get("interactiveConfiguration", {}).get("sessionEnabled"):
        raise RefusedError("ValidationException", "Sessions are not enabled for this application.")
    if standin.application["state"] != "STARTED":
        if not standin.application.get("autoStartConfiguration", {}).get("enabled"):
            raise RefusedError("ValidationException", "The application is not STARTED, and does not start by itself.")
        standin.application["state"] = "STARTED"
    number = standin.started
    made = Session(f"00fs{number:04d}{secrets.token_hex(4)}", number, asked, standin, tags=dict(asked.get("tags", {})))
    standin.sessions[made.id] = made
    return _started(made)


def get_session(standin: Standin, asked: dict[str, Any]) -> dict[str, Any]:
    return {"session": _session(standin, asked).description()}


def list_sessions(standin: Standin, asked: dict[str, Any]) -> dict[str, Any]:
    _check_application(standin, asked)
    after = _number(asked["nextToken"]) if "nextToken" in asked else -1
    found = [one for one in standin.sessions.values() if one.number > after and _is_asked_for(one, asked)]
    page = found[: min(standin.page_size, asked.get("maxResults", standin.page_size))]
    # AWS promises no order and no full pages.
    rest = {"nextToken": _page_token(page[-1].number)} if len(page) < len(found) else {}
    return {"sessions": [one.summary() for one in page], **rest}


def get_session_endpoint(standin: Standin, asked: dict[str, Any]) -> dict[str, Any]:
    session = _session(standin, asked)
    if session.state not in READY:
        raise RefusedError("ValidationException", f"The session is {session.state}: it has no endpoint.")
    if session.proxy is None:
        session.proxy = Proxy(session, standin)
    token, expires = session.issue()
    standin.tokens.append(token)
    endpoint = ENDPOINT.format(port=session.proxy.port)
    return {**_ids(session), "endpoint": endpoint, "authToken": token, "authTokenExpiresAt": expires}


def terminate_session(standin: Standin, asked: dict[str, Any]) -> dict[str, Any]:
    session = _session(standin, asked)
    # What AWS says to this is written nowhere. A client that survives the refusal survives consent as well.
    if session.state in ENDED:
        raise RefusedError("ValidationException", f"The session is {session.state} already.")
    if session.state != "TERMINATING":
        session.enter("TERMINATING", "The session is being terminated.")
    return _ids(session)


def get_resource_dashboard(standin: Standin, asked: dict[str, Any]) -> dict[str, Any]:
    session = _session(standin, {**asked, "sessionId": asked["resourceId"]})
    token = secrets.token_urlsafe(200)
    standin.tokens.append(token)
    return {"url": _DASHBOARD.format(session=session.id, region=REGION, token=token)}


def tag_resource(standin: Standin, asked: dict[str, Any]) -> dict[str, Any]:
    _tags(standin, asked["resourceArn"]).update(asked["tags"])
    return {}


def list_tags_for_resource(standin: Standin, asked: dict[str, Any]) -> dict[str, Any]:
    return {"tags": dict(_tags(standin, asked["resourceArn"]))}


OPERATIONS: dict[str, Operation] = {
    "GetApplication": get_application,
    "StartApplication": start_application,
    "StartSession": start_session,
    "GetSession": get_session,
    "ListSessions": list_sessions,
    "GetSessionEndpoint": get_session_endpoint,
    "TerminateSession": terminate_session,
    "GetResourceDashboard": get_resource_dashboard,
    "TagResource": tag_resource,
    "ListTagsForResource": list_tags_for_resource,
}


def _check_application(standin: Standin, asked: dict[str, Any]) -> None:
    if asked["applicationId"] != standin.application["applicationId"]:
        raise RefusedError("ResourceNotFoundException", f"There is no application {asked['applicationId']}.")


def _session(standin: Standin, asked: dict[str, Any]) -> Session:
    _check_application(standin, asked)
    session = standin.sessions.get(asked["sessionId"])
    if session is None:
        raise RefusedError("ResourceNotFoundException", f"There is no session {asked['sessionId']}.")
    session.look()
    return session


def _tags(standin: Standin, arn: str) -> dict[str, str]:
    for session in standin.sessions.values():
        if session.arn == arn:
            return session.tags
    if arn == standin.application["arn"]:
        tags: dict[str, str] = standin.application.setdefault("tags", {})
        return tags
    raise RefusedError("ResourceNotFoundException", f"There is no resource {arn}.")


def _ids(session: Session) -> dict[str, Any]:
    return {"applicationId": session.request["applicationId"], "sessionId": session.id}


def _started(session: Session) -> dict[str, Any]:
    return {**_ids(session), "arn": session.arn}


def _is_asked_for(session: Session, asked: dict[str, Any]) -> bool:
    after, before = (asked.get(name) for name in ("createdAtAfter", "createdAtBefore"))
    return (
        session.look() in asked.get("states", [session.state])
        and (after is None or session.created_at > datetime.fromisoformat(after))
        and (before is None or session.created_at < datetime.fromisoformat(before))
    )


def _page_token(number: int) -> str:
    return base64.urlsafe_b64encode(f"after:{number}".encode()).decode()


def _number(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("after:"))
    except ValueError:
        raise RefusedError("ValidationException", "The nextToken is none of ours.") from None
