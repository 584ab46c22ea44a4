"""Python client of Groundup: `with Client() as client: run = client.runs.submit({...})`."""

from groundup.client import Client
from groundup.generation import Sampling
from groundup.problems import ApiProblem, ClientError, FieldProblem, LocalProblem, Unreachable

__all__ = ["ApiProblem", "Client", "ClientError", "FieldProblem", "LocalProblem", "Sampling", "Unreachable"]
