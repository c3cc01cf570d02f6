"""What the device is called."""

NAME = "sim"
DEVICE_TEXT = "sim:0"
