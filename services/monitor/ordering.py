"""The two ways to read a list that grows: from its beginning, or back from its end."""

from typing import Literal

from pydantic import Field

from serving.paging import PageQuery


class OrderedQuery(PageQuery):
    order: Literal["oldest", "newest"] = Field("oldest", description="what comes first; a cursor goes on in the order that gave it")

    @property
    def newest_first(self) -> bool:
        return self.order == "newest"
