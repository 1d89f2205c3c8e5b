"""Logs: one JSON object a line on stderr, events with fields. `structlog.get_logger()` anywhere."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# A longer value is a mistake or an attack; either way it must not fill the disk.
VALUE_CHARACTERS_MAX = 8_192


def configure(service: str, level: str = "info") -> None:
    """Send every log of this process, libraries included, to stderr as JSON with the service's name."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *_shared(service),
            structlog.processors.format_exc_info,
            _shorten,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    _adopt_libraries(service, max(threshold, logging.WARNING))


def _adopt_libraries(service: str, threshold: int) -> None:
    """grpcio, nats-py and asyncio use the standard library's logging; give their lines the same shape."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_shared(service)],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _shorten,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)


def _shared(service: str) -> list[structlog.types.Processor]:
    def add_service(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_service,
    ]


def _shorten(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str) and len(value) > VALUE_CHARACTERS_MAX:
            event[key] = value[:VALUE_CHARACTERS_MAX] + "…"
    return event
