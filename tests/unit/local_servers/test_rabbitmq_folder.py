"""RabbitMQ hands its folder to a shell, so a folder that a shell would not take as it is is refused."""

from pathlib import Path

import pytest

from gavel_tools.local_servers.rabbitmq import LocalRabbitMq, RabbitMqPorts
from gavel_tools.local_servers.server_process import LocalServerFailed


@pytest.mark.parametrize("character", list("'\"`$;&|<>()\\*?![]{}#~"))
def test_a_folder_with_a_character_of_the_shell_is_refused_by_that_character(character: str, tmp_path: Path) -> None:
    folder = tmp_path / f"a{character}b"
    with pytest.raises(LocalServerFailed) as refused:
        LocalRabbitMq(folder, RabbitMqPorts(amqp=1, tools=2, registry=3)).start()
    assert f"where {character!r} has a meaning: {folder}; GAVEL_DATA_DIR names another" in str(refused.value)
    assert not folder.exists()
