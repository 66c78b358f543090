"""Events as EventBridge hands them to a function, recorded from the bus with our detail in them."""


def a_bus_event(event_type="JOB_FAILED", **detail):
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": event_type,
        "source": "interlock",
        "account": "111122223333",
        "time": "2026-03-02T08:15:00Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": {
            "eventId": "3fa9c0d1",
            "type": event_type,
            "pipelineId": "gold-revenue",
            "scheduleId": "stream",
            "date": "2026-03-02",
            "attempt": 1,
            "message": "attempt 1 failed: Rate exceeded",
            "timestamp": "2026-03-02T08:15:00.000000Z",
            "severity": "warning",
            "detail": {"error": "Rate exceeded"},
        }
        | detail,
    }


def an_alarm(**changes):
    """One of ours that went off, as CloudWatch tells it; its words hold whatever its maker and its metric put there.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    """
    return {
        "version": "0",
        "id": "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": "111122223333",
        "time": "2026-03-02T08:15:00Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:prod-interlock-stream-router-errors"],
        "detail": {
            "alarmName": "prod-interlock-stream-router-errors",
            "configuration": {"description": 'errors of "stream-router",\nby <minute> \\ & `all`'},
            "previousState": {"value": "OK"},
            "state": {
                "value": "ALARM",
                "reason": 'Threshold Crossed: 1 datapoint [3.0 (02/03/26 08:14:00)]: {"said": "no"}\n<bye>',
                "timestamp": "2026-03-02T08:15:00.985+0000",
            }
            | changes,
        },
    }


GARBAGE = [
    {},
    {"detail": None},
    {"detail": []},
    {"detail": "text"},
    {"detail": {}},
    a_bus_event("NO_SUCH_TYPE"),
    a_bus_event(type=["JOB_FAILED"]),
    a_bus_event(severity="fatal"),
    a_bus_event(timestamp="yesterday"),
    a_bus_event(timestamp=5),
    a_bus_event(attempt="first"),
    a_bus_event(detail="text"),
    an_alarm(value="OK"),
    an_alarm(timestamp="soon"),
    {"source": "aws.cloudwatch"},
    {"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "detail": ["ALARM"]},
]
