"""HTTP with patience: a lost connection or a busy server is tried again, and a POST keeps its Idempotency-Key so that it creates once."""

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import httpx

from groundup.config import Config
from groundup.problems import ApiProblem, LocalProblem, Unreachable, problem

RETRIES: Final = 6
"""About 15 s in all: longer than a service needs to come back after a restart."""
_LONGEST_PAUSE: Final = 20.0
_LOST: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""A read that times out is not among them: the server has the request and may be at work on it."""


class Transport:
    """Two connection pools: `http` sends the token; `objects` is for presigned URLs, which carry their own permission."""

    def __init__(self, config: Config, *, retries: int = RETRIES, sleep: Callable[[float], None] = time.sleep) -> None:
        self.config, self.retries, self.sleep = config, retries, sleep
        headers = {"User-Agent": "groundup-client"}
        token = {"Authorization": f"Bearer {config.token}"} if config.token else {}
        timeout = httpx.Timeout(60, connect=5)
        # A proxy of the environment is for the world outside, not for this machine.
        self.http = httpx.Client(base_url=config.url, headers=headers | token, timeout=timeout, trust_env=not config.local)
        self.objects = httpx.Client(base_url=config.url, headers=headers, timeout=timeout, trust_env=not config.local)

    def close(self) -> None:
        self.http.close()
        self.objects.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        return _json(self._send(self.http, self.http.build_request("GET", path, params=_given(params))))

    def post(self, path: str, body: object = None, *, timeout: float = 60) -> Any:
        return _json(self._send(self.http, self._post_request(path, body, timeout)))

    def put(self, path: str, body: object) -> Any:
        return _json(self._send(self.http, self.http.build_request("PUT", path, json=body)))

    def patch(self, path: str, body: object) -> Any:
        return _json(self._send(self.http, self.http.build_request("PATCH", path, json=body)))

    def delete(self, path: str) -> None:
        self._send(self.http, self.http.build_request("DELETE", path))

    def items(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """Every item of a list, page after page."""
        for page in self.pages(path, params):
            yield from page["items"]

    def pages(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[Any]:
        cursor = None
        while True:
            page = self.get(path, {"limit": 200, **(params or {}), **({"cursor": cursor} if cursor else {})})
            yield page
            cursor = page.get("next_cursor")
            if not cursor:
                return

    @contextmanager
    def post_stream(self, path: str, body: object, *, timeout: float) -> Iterator[httpx.Response]:
        with _closing(self._send(self.http, self._post_request(path, body, timeout), stream=True)) as response:
            yield response

    @contextmanager
    def download(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[httpx.Response]:
        """Follow an API path to the object it redirects to; the token is not sent there."""
        with _closing(self._send(self.http, self.http.build_request("GET", path, params=_given(params)), stream=True)) as response:
            target = response.headers.get("location")
            if not response.is_redirect or not target:
                yield response
                return
        with _closing(self._send(self.objects, self.objects.build_request("GET", target), stream=True)) as response:
            yield response

    def get_object(self, url: str) -> bytes:
        return self._send(self.objects, self.objects.build_request("GET", url)).content

    def put_object(self, url: str, content: bytes) -> None:
        self._send(self.objects, self.objects.build_request("PUT", url, content=content))

    def _post_request(self, path: str, body: object, timeout: float) -> httpx.Request:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self.http.build_request("POST", path, json=body, headers=headers, timeout=httpx.Timeout(timeout, connect=5))

    def _send(self, client: httpx.Client, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """Raises ApiProblem for a refusal, Unreachable where there was no answer, each after the last try."""
        for tries in range(self.retries + 1):
            last = tries == self.retries
            pause = random.uniform(0.5, 1) * min(8.0, 0.5 * 2**tries)
            try:
                response = client.send(request, stream=stream)
            except _LOST as error:
                if last:
                    raise self._unreachable(error) from error
            except httpx.HTTPError as error:
                raise self._unreachable(error) from error
            else:
                if last or not _busy(response):
                    return _accept(response)
                response.close()
                pause = max(pause, _asked_pause(response))
            self.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _unreachable(self, error: Exception) -> Unreachable:
        what = "did not answer in time" if isinstance(error, httpx.TimeoutException) else "does not answer"
        remedy = "start it with `./run up`, or name another one with GROUNDUP_URL or `groundup login`; `groundup doctor` tells more"
        return Unreachable(f"{self.config.url} {what} ({str(error) or type(error).__name__})", remedy=remedy)


@contextmanager
def _closing(response: httpx.Response) -> Iterator[httpx.Response]:
    try:
        yield response
    except httpx.HTTPError as error:
        raise Unreachable(f"the connection broke while reading ({error!r})", remedy="try again") from error
    finally:
        response.close()


def _busy(response: httpx.Response) -> bool:
    """Whether waiting may cure it. A 500 that is no problem+json is the gateway's own, while api restarts."""
    if response.status_code == 500:
        return "problem+json" not in response.headers.get("content-type", "")
    return response.status_code in {429, 502, 503, 504}


def _accept(response: httpx.Response) -> httpx.Response:
    if response.is_success or response.is_redirect:
        return response
    try:
        response.read()
    except httpx.HTTPError as error:
        raise ApiProblem(f"HTTP {response.status_code}", status=response.status_code, code="unreadable") from error
    finally:
        response.close()
    raise problem(response)


def _json(response: httpx.Response) -> Any:
    try:
        return response.json() if response.content else None
    except ValueError as error:
        where = f"{response.request.method} {response.request.url}"
        raise LocalProblem(f"{where} did not answer with JSON", remedy="is this the address of a Groundup server?") from error


def _given(params: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (params or {}).items() if value is not None}


def _asked_pause(response: httpx.Response) -> float:
    """Seconds that the server asked us to wait, within reason."""
    for header in ("Retry-After", "RateLimit-Reset"):
        try:
            return min(_LONGEST_PAUSE, float(response.headers.get(header, "")))
        except ValueError:
            continue
    return 0.0
