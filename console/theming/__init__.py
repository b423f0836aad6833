"""Themes: what the sixteen colours are, which looks differ, and who chose which.

- `theme`: what a theme is, and contrast as WCAG 2.2 counts it
- `built_in`: those that come with the console
- `files`: those of the operator's own folder, read with care
- `choosing`: by option, by memory, by policy, by the terminal; and changing it while the console runs
"""
