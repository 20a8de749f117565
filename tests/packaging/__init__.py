"""The wheel, the container, the chart and the units of systemd."""
