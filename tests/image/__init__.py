"""The container image, taken apart: needs the layers that `make image` keeps."""
