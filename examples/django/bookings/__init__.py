"""Bookings, and the SMS that ask about them."""
