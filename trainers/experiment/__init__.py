"""The experiment of 2018 from start to end, on drawn faces or on CelebA."""
