import pytest


@pytest.fixture
def style():
    """The course's style for one test, and no figure left over after it."""
    import matplotlib.pyplot as plt

    from bn_helpers import plotting

    with plt.rc_context():
        plotting.use_style()
        yield
    plt.close("all")
