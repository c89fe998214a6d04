"""The phone page: simulated handsets in a browser, on the admin port.

Reading order: `page_routes` (what is served), `page` (HTML for browsers without scripts, and the frame for
all others), `stream` (server-sent events), `wording` (an entry in words), `situation` (what else the page
shows). `page.html` is a template; `phone.css`, `phone.js` and `icon.svg` are served as they are. Whatever the
page does is a call of the admin interface.
"""
