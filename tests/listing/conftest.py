"""One world, one pair of endpoints and one of each program for all comparisons of a process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import cached_property

import pytest

from tests.listing.combinations import World, endpoints
from tests.listing.programs import Done, Program, aws_1, aws_2, install_model, policycheck


class Bench:
    """The programs, each started when it is first asked for, and what they run against."""

    def __init__(self, world: World, urls: Mapping[str, str], stack: ExitStack) -> None:
        self.world = world
        self.urls = urls
        self._stack = stack
        self._threads = stack.enter_context(ThreadPoolExecutor(3))

    @cached_property
    def ours(self) -> Program:
        return self._stack.enter_context(closing(policycheck(self.world.home)))

    @cached_property
    def aws_1(self) -> Program:
        return self._stack.enter_context(closing(aws_1(self.world.home)))

    @cached_property
    def aws_2(self) -> Program:
        program = aws_2(self.world.home)
        assert program, "the AWS CLI 2 is needed; .ci/run installs it"
        return self._stack.enter_context(closing(program))

    def aws(self, version: int) -> Program:
        return {1: lambda: self.aws_1, 2: lambda: self.aws_2}[version]()

    def run(self, program: Program, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Done:
        """One run, in the world's folder and, unless told otherwise, its environment."""
        return program.run(arguments, self.world.environment() if environment is None else environment, directory=self.world.folder)

    def run_each(self, programs: Sequence[Program], arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> list[Done]:
        """The same command line with several programs, at the same time."""
        return list(self._threads.map(lambda program: self.run(program, arguments, environment), programs))


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    world = World(tmp_path_factory.mktemp("listing"))
    install_model(world.home)
    with endpoints() as urls, ExitStack() as stack:
        yield Bench(world, urls, stack)
