"""What is computed without a ledger says so: nobody takes silence for a record."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest

from tests.fakes.command import custodes

SAID = "this use is not on record"


@pytest.mark.models
@pytest.mark.parametrize("command", ["analyze", "compare", "liveness", "quality"])
def test_a_command_without_a_server_says_that_nothing_is_recorded(command, tmp_path, model_pack):
    photo = tmp_path / "a.png"
    PIL.Image.fromarray(np.full((120, 120, 3), 90, np.uint8)).save(photo)
    photos = [str(photo)] * (2 if command == "compare" else 1)
    done = custodes(command, *photos, "--json")
    assert SAID in done.stderr
    assert SAID not in done.stdout
