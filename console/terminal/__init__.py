"""The path of bytes to the terminal and back.

`run_app(App())` is the one entry; `TerminalApp`, `TerminalScreen` and `TerminalModal` are the classes to build on.
Nothing is imported here, so that asking for the capabilities on a headless path costs no Textual:

- `console.terminal.run.run_app(app) -> int`
- `console.terminal.app`: `TerminalApp`, `TerminalScreen`, `TerminalModal`
- `console.terminal.capabilities`: `Capabilities`, `detect`, `launch_environ`, `refusal`

What the first paint costs, and how to keep it low (120x40, warm cache; a hello app takes about 0.2 s, 0.16 s of it are
Textual's imports and 0.02 s everything between `run` and the first frame):

- `gc.disable()` before the first Textual import saves about 10 ms; `run_app` enables it again after the first frame.
- Import nothing of `textual.widgets` but what the first screen shows; other screens are imported when they open. Every
  widget class adds its `DEFAULT_CSS` to what is parsed: about 0.5 ms a class.
- Style in one short stylesheet; type and class selectors only. Nested rules and variables cost most.
- The first screen composes its frame and its table; data is asked for in `on_mount`, at once, not after a timer.
- A line that changes with the cursor is updated with `update(text, layout=False)`: a layout costs 3 ms a key.
- `App(ansi_color=True)` and `background: ansi_default`: the terminal's own background is sent for nothing, a painted
  one costs every blank of the screen.
- Push the first screen by `get_default_screen`, not by `push_screen` in `on_mount`: that would lay out twice.
"""
