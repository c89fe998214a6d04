"""A short soak, with the rules on: `make soak` is the long one."""

import pytest

from tests.soak.run import Soak

#: Texts; all seeds must do, one is as good as another.
TEXTS, SEED = 2_000, 7


@pytest.mark.timeout(600)
def test_a_day_of_marketing_alerts_and_opt_outs_under_constant_damage(tmp_path, capsys):
    well = Soak(TEXTS, SEED, tmp_path).run()
    assert well, capsys.readouterr().out[-4000:]
