"""Errors as RFC 9457 `application/problem+json`, for every way a request can end badly."""

import logging
from typing import Any

from flask import Flask, Response, current_app, json, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import HTTPException

from shared.errors import GroundupError, InvalidFields
from shared.spec import field_errors

log = logging.getLogger(__name__)


def problem_response(error: GroundupError) -> Response:
    return _respond(error.problem())


def validation_problem(error: ValidationError) -> Response:
    """For bodies, queries and paths that flask-openapi3 refused. A body that is no JSON at all has a single error without a location."""
    return problem_response(InvalidFields(tuple(field_errors(BaseModel, error, known=_refused(error)))))


def _refused(error: ValidationError) -> type[BaseModel] | None:
    """The model of this request's body, query or path that the error is of, as its endpoint's annotations have it."""
    view = current_app.view_functions.get(request.endpoint or "")
    models = [each for each in getattr(view, "__annotations__", {}).values() if isinstance(each, type) and issubclass(each, BaseModel)]
    return next((model for model in models if model.__name__ == error.title), None)


def install_problem_handlers(app: Flask) -> None:
    app.register_error_handler(GroundupError, problem_response)
    app.register_error_handler(ValidationError, validation_problem)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _internal_problem)


def _http_problem(error: HTTPException) -> Response:
    code = (error.name or "error").lower().replace(" ", "-")
    body = {"type": f"urn:groundup:problem:{code}", "title": error.name, "status": error.code, "code": code, "detail": error.description}
    return _respond(body)


def _internal_problem(error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return problem_response(GroundupError("the service failed on this request", remedy="its log has the details"))


def _respond(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), status=body["status"], content_type="application/problem+json")
