"""Notices that this host is about to be taken away: a file that appears, or an address that answers (a cloud's metadata service).

AWS tells of spot interruptions two minutes before, at http://169.254.169.254/latest/meta-data/spot/instance-action, which answers 404
until then and wants a session token (IMDSv2): https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
"""

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Final

import httpx

log = logging.getLogger(__name__)
LOOK_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 2.0
_TOLD: Final = 200
_METADATA: Final = "169.254.169.254"


class Interruption:
    """`notice` is what was told, empty while there is nothing. `poke` is called where that changes. Silence of the address is no notice and
    withdraws none.
    """

    def __init__(self, file: Path | None, url: str, http: httpx.Client, poke: Callable[[], None]) -> None:
        self.file, self.url, self.http, self.poke = file, url, http, poke
        self.notice = self.answered = ""
        self.stopping = Event()
        self.thread = Thread(target=self._run, name="interruption", daemon=True)

    def start(self) -> None:
        """Nothing to look at needs no thread."""
        if self.file or self.url:
            self.look()
            self.thread.start()

    def stop(self) -> None:
        self.stopping.set()

    def look(self) -> None:
        self.answered = self._of_url()
        found = self._of_file() or self.answered
        if found != self.notice:
            log.warning("the host is about to go: %s", found) if found else log.warning("the notice of interruption is withdrawn")
            self.notice = found
            self.poke()

    def _run(self) -> None:
        while not self.stopping.wait(LOOK_SECONDS):
            self.look()

    def _of_file(self) -> str:
        try:
            if self.file is None or not self.file.exists():
                return ""
        except OSError as error:
            log.debug("%s cannot be looked for: %s", self.file, error)
            return ""
        return f"the host is about to go ({self.file.name})"

    def _of_url(self) -> str:
        if not self.url:
            return ""
        try:
            answer = self.http.get(self.url, headers=self._token(), timeout=_ANSWER_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.debug("%s does not answer: %s", self.url, error)
            return self.answered
        if answer.is_server_error:
            return self.answered
        return f"the host is about to go ({answer.text.strip()[:_TOLD]})" if answer.status_code == httpx.codes.OK else ""

    def _token(self) -> dict[str, str]:
        if httpx.URL(self.url).host != _METADATA:
            return {}
        asked = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
        answer = self.http.put(f"http://{_METADATA}/latest/api/token", headers=asked, timeout=_ANSWER_SECONDS)
        return {"X-aws-ec2-metadata-token": answer.text} if answer.status_code == httpx.codes.OK else {}
