import pytest

from tests.architecture.tree import Module, python_modules, tracked_files


@pytest.fixture(scope="session")
def modules() -> list[Module]:
    return python_modules()


@pytest.fixture(scope="session")
def tracked() -> list[str]:
    return tracked_files()
