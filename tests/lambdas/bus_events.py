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
]
