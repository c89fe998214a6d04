"""What ``manage.py`` can do with SMS."""
