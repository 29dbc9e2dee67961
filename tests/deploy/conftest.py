"""Each test of the charts runs over every installation, plain and with everything optional."""

import pytest

from tests.deploy.rendered import INSTALLATIONS, Thing, installation


@pytest.fixture(params=[(name, more) for name in INSTALLATIONS for more in (False, True)], ids=str)
def things(request: pytest.FixtureRequest) -> list[Thing]:
    """All objects of one installation."""
    name, options = request.param
    return installation(name, options=options)
