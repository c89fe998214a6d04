"""The console: pages on which people read replies, answer them, and decide.

A page is a module in ``pages`` with its `Page` objects, and templates in ``templates``. To add one:

1. Write the question as `Steps` in `worker.inquiry`, bounded, so that the commands can ask it, too.
2. Write ``pages/sends.py``:

       async def show(visit: Visit) -> Response:
           found = await visit.ask(sends.find(visit.keys, visit.asked("tab")))
           problems = await visit.panel(failures.counts(visit.keys))  # may fail while the page shows
           return visit.render("sends.html", found=found, problems=problems)

       async def cancel(visit: Visit) -> Response:
           request_id = visit.request.path_params["request_id"]
           outcome = await visit.office.producer.cancel(request_id)
           if outcome == "too_late":
               raise too_late(state, back=f"/sends/{request_id}")
           await visit.audit("cancel", request_id=request_id)
           return await visit.done(f"/sends/{request_id}", "The message is cancelled.")

       PAGES = (
           Page("/sends", show),
           Page("/sends/{request_id}/cancel", cancel, method="POST", role="operator"),
       )

3. Add the module to ``pages/__init__.py``. The navigation shows a page once its path is registered.
4. Write ``templates/sends.html``: it extends ``base.html``, imports ``parts.html`` as ``ui`` and fills the
   blocks ``title`` (words: also the h1), ``beside`` (``{{ ui.live() }}`` for a page that keeps itself fresh)
   and ``content``. What is kept fresh lies in ``<div data-live="name">``, each name once on a page; forms
   with fields stay outside. ``parts.html`` has tables, cells, states, numbers, filters, pagers, problems and
   so on.
5. Give the page to the tests: a row in ``tests/browser/pages.py``, which every rule of the browser tests and
   the screenshots go through.

What holds by itself: every value is escaped and its invisible characters are named; other sites cannot act;
who may not act is refused; Redis away is a page that says so; an error logs where it happened and no value;
an action ends in `Visit.done`, so that reloading repeats nothing.

What each page owes: a bound of its cost; ``role="operator"`` for whatever changes something or shows a
number; `Visit.audit` for each action that no script audits; no number and no text in an address; foreign text
through ``ui.foreign``; a number through ``ui.number(value, of)`` with a reference that `REVEALS` can read.
"""
