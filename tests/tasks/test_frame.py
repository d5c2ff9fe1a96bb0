import numpy as np
import torch

from models.nets.frame import Frame, find_exposed_part


def test_black_borders_are_cut_and_a_marker_in_them_does_not_count():
    picture = np.zeros((100, 200), np.float32)
    picture[20:80, 50:150] = 0.5
    picture[5, 10:14] = 1.0  # a marker
    assert find_exposed_part(picture) == (20, 50, 60, 100)
    assert find_exposed_part(np.zeros((30, 40), np.float32)) == (0, 0, 30, 40)
    assert find_exposed_part(np.full((30, 40), 0.2, np.float32)) == (0, 0, 30, 40)


def test_a_large_film_is_cut_to_within_a_sampling_step():
    film = np.zeros((3000, 2400), np.float32)
    film[600:2400, 300:2100] = 0.4
    top, left, rows, columns = find_exposed_part(film)
    assert abs(top - 600) <= 2
    assert abs(left - 300) <= 2
    assert abs(rows - 1800) <= 4
    assert abs(columns - 1800) <= 4


def test_what_is_bright_in_the_source_is_hot_in_the_source_again():
    picture = torch.zeros(1, 1, 120, 90)
    picture[..., 30:50, 60:80] = 1.0
    for content in (None, (20, 10, 80, 75)):
        frame = Frame((120, 90), (64, 64), content)
        shown = frame.to_network(picture)
        assert shown.shape == (1, 1, 64, 64)
        back = frame.to_source(shown)
        assert back.shape == picture.shape
        rows, columns = np.nonzero(back[0, 0].numpy() > 0.5)
        assert abs(rows.min() - 30) <= 2
        assert abs(rows.max() - 49) <= 2
        assert abs(columns.min() - 60) <= 2
        assert abs(columns.max() - 79) <= 2


def test_the_picture_is_fitted_whole_and_centred():
    frame = Frame((100, 50), (64, 64))
    assert frame.fitted == (64, 32)
    assert frame.corner == (0, 16)
    assert float(frame.to_network(torch.ones(1, 1, 100, 50))[..., :16].max()) == 0
