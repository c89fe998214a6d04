"""A night in small: hosts are lost and come back, and the alerts and the dashboard tell; ``make night``."""
