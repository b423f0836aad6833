"""Charts in text: pure renderers from numbers to styled lines, and the thin Textual widgets which show them.

``scale``, ``labels``, ``braille``, ``plot`` and ``spark`` know no terminal and import no Textual; ``line_chart`` and
``grid`` are the widgets. A *role* is the name of a look (``series-1``, ``axis``, ``warn``); only widgets know colours.
"""
