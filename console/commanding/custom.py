"""What `quarterdeck.toml` adds to the console: short words, keys and programs; read again when the file changes."""

from __future__ import annotations

from functools import partial
from itertools import count
from shlex import join
from typing import TYPE_CHECKING, NamedTuple

from console.actions import Action, Answers, Danger, Field, Needs
from console.commanding.catalog import KINDS, kind_of
from engine.core.command import VerbWords
from engine.core.errors import InvalidInput, PolicyInvalid, QuarterdeckError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp
    from console.commanding.programs import Output
    from console.tasks import Progress
    from engine.policy.console_model import ConsoleCommand, ConsoleSettings

LOOK_SECONDS = 2.0
"""Between two looks at the file."""

MOST_OUTPUTS = 20
MOST_ALIASES = 8
"""Of aliases that stand for aliases."""


class _Read(NamedTuple):
    """What a look at the file found."""

    digest: str
    settings: ConsoleSettings | None = None
    problem: PolicyInvalid | None = None


class Custom:
    """The additions, and what programs came to.

    Args:
        app: The application.
    """

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._digest = ""
        self._outputs = count(1)
        self._hotkeys: tuple[Action, ...] = ()
        self._commands: tuple[Action, ...] = ()
        self._settings: ConsoleSettings | None = None
        self.outputs: dict[int, Output] = {}

    @property
    def settings(self) -> ConsoleSettings:
        """What the file says; nothing until it has been read."""
        if self._settings is None:
            from engine.policy.console_model import ConsoleSettings  # not on every start

            self._settings = ConsoleSettings()
        return self._settings

    # --- the file

    def look(self) -> None:
        """Read the file if it has changed."""
        self._app.read("console.settings", self._read, self._came, lambda _error: None)

    def settle(self) -> None:
        """Read the file now if it was never read: what is typed at once must mean what it will mean."""
        if not self._digest:
            self._came(self._read())

    def _read(self) -> _Read | None:
        engine = self._app.pasts.present
        try:
            policy = engine.policy
            if policy.digest == self._digest:
                return None
            if policy.console is None:
                from engine.policy.console_model import ConsoleSettings

                return _Read(policy.digest, ConsoleSettings())
            from console.commanding.taken import taken

            return _Read(policy.digest, engine.console_settings(taken()))
        except PolicyInvalid as error:
            return None if error.message == self._digest else _Read(error.message, problem=error)

    def _came(self, found: _Read | None) -> None:
        if found is None:
            return
        first, self._digest = not self._digest, found.digest
        if found.problem is not None:
            self._app.say(f"{found.problem.message} {found.problem.hint} What it said before holds.", "bad")
        elif found.settings is not None and found.settings != self.settings:
            before, self._settings = self.settings, found.settings
            if before.theme != self.settings.theme:
                from console.theming.choosing import workspace_theme  # few workspaces say how the console looks

                workspace_theme(self._app, self.settings.theme)
            self._hotkeys = tuple(_hotkey(key, text) for key, text in self.settings.hotkeys.items())
            self._commands = tuple(_offer(command) for command in self.settings.commands.values())
            if not first:
                self._app.say("The console follows quarterdeck.toml as it is now.", "dim")

    # --- words and keys

    def actions(self, resource: str) -> Sequence[Action]:
        """What the file offers on a screen.

        Args:
            resource: What the screen shows.
        """
        kind = kind_of(resource)
        fits = [each for each in self._commands if self._fits(each.name, kind)]
        return (*fits, *self._hotkeys)

    def _fits(self, name: str, kind: str) -> bool:
        resources = self.settings.commands[name].resources
        return not resources or kind in resources

    def find(self, key: str, resource: str) -> Action | None:
        """The action of a key on a screen, if the file gives it one."""
        if not (self._hotkeys or self._commands):
            return None
        from engine.policy.console_model import spelled

        wanted = spelled(key)
        return next((each for each in self.actions(resource) if each.key and spelled(each.key) == wanted), None)

    def verbs(self) -> dict[str, VerbWords]:
        """The words the file adds to the command line."""
        found = {name: VerbWords(name, summary=text, bare=True) for name, text in self.settings.aliases.items()}
        for name, command in self.settings.commands.items():
            options = tuple(each.name for each in command.inputs)
            found[name] = VerbWords(name, command.resources, options, summary=command.about, bare=not command.resources)
        return found

    def expanded(self, text: str) -> str:
        """A line with its first word replaced by what it stands for."""
        for _ in range(MOST_ALIASES):
            word, space, rest = text.strip().partition(" ")
            if word not in self.settings.aliases:
                break
            text = f"{self.settings.aliases[word]}{space}{rest}"
        return text

    # --- programs

    def start(self, name: str, names: Sequence[str] = (), typed: Answers | None = None) -> None:
        """Start a program for the thing under the cursor, or for one that is named.

        Args:
            name: The command's name.
            names: The thing's name; none is what is selected.
            typed: What is filled in already.

        Raises:
            InvalidInput: there is no such command, or nothing to start it for.
        """
        app, command = self._app, self.settings.commands.get(name)
        if command is None:
            raise InvalidInput(f"There is no command {name} any more.", hint="quarterdeck.toml has changed.")
        if not command.resources:
            self._ask(command, "", None, typed)
            return
        here = app.navigator.here
        kind = kind_of(here.resource)
        if names:
            kind = kind if kind in command.resources else command.resources[0]
            self._for_named(command, kind, names[0], typed)
        elif kind not in command.resources:
            raise InvalidInput(f"{name} is for {', '.join(command.resources)}.", hint="Go there, or name one.")
        elif kind != here.resource and KINDS[kind].read is not None:
            self._for_named(command, kind, here.name, typed)
        else:
            self._ask(command, kind, app.view.subject() if app.view else None, typed)

    def _for_named(self, command: ConsoleCommand, kind: str, name: str, typed: Answers | None) -> None:
        from console.commanding.typed import read_named

        app = self._app
        app.read(
            "command.subject",
            lambda: read_named(app.engine, kind, name),
            lambda subject: self._ask(command, kind, subject, typed),
        )

    def _ask(self, command: ConsoleCommand, kind: str, subject: object, typed: Answers | None) -> None:
        from console.commanding.doing import invoke

        try:
            invoke(self._app, self._action(command, kind), subject if kind else "", typed)
        except QuarterdeckError as error:
            self._app.fail(error)

    def _action(self, command: ConsoleCommand, kind: str) -> Action:
        """A command as an action, with the care that the file asks for."""
        from console.commanding.programs import values_of  # few have programs

        danger = Danger.PRODUCTION if command.confirm else Danger.REVERSIBLE
        danger = Danger.IRREVERSIBLE if command.dangerous else danger
        line = join(command.command)
        return Action(
            command.name,
            command.key,
            command.name,
            lambda _app, subject, answers: self._begin(command, kind, subject, answers),
            command.about,
            danger=Danger.VIEW if command.reads else danger,
            warning="A PROGRAM OF quarterdeck.toml",
            needs=Needs.ONE if kind else Needs.NOTHING,
            role=command.role,
            consequences=lambda subject: (f"It starts  {_shown(line, values_of(kind, subject))}",),
            ask=lambda _subject: [
                Field(each.name, each.label, each.value, each.required, among=each.among) for each in command.inputs
            ],
            object_name=lambda subject: values_of(kind, subject).get("name", "") or command.name,
        )

    def _begin(self, command: ConsoleCommand, kind: str, subject: object, answers: Answers) -> None:
        from console.commanding.programs import arguments_of, environment_of, found_program, run_behind, values_of

        app = self._app
        access, workspace = app.engine.access, str(app.engine.workspace.path)
        values = {**values_of(kind, subject), **answers, "workspace": workspace, "user": access.actor.name}
        try:
            environment = environment_of(command, values, workspace)
            arguments = found_program(arguments_of(command, values), environment)
        except QuarterdeckError as error:
            app.fail(error)
            return
        app.last_shell = join(arguments)
        directory = str(app.engine.workspace.path.parent)
        if command.background:

            def work(progress: Progress) -> Output:
                return run_behind(command, arguments, environment, directory, progress)

            app.work(command.name, work, self._ended)
        else:
            self._in_front(command, partial(_front, arguments, environment, directory))

    def _in_front(self, command: ConsoleCommand, run: partial[int]) -> None:
        from textual.app import SuspendNotSupported

        app = self._app
        try:
            with app.suspend():
                code = run()
        except SuspendNotSupported:
            app.say(f"{command.name} needs a terminal of its own; set background = true.", "warn")
        except QuarterdeckError as error:
            app.fail(error)
        else:
            app.say(f"{command.name} {_how(code)}.", "good" if code == 0 else "bad")
            if app.view is not None:
                app.view.load()

    def _ended(self, output: Output) -> None:
        number = next(self._outputs)
        self.outputs[number] = output
        for old in list(self.outputs)[:-MOST_OUTPUTS]:
            del self.outputs[old]
        look = "good" if output.code == 0 else "bad"
        self._app.say(f"{output.name} {_how(output.code)}; :output {number} shows what it wrote.", look)


def _front(arguments: list[str], environment: dict[str, str], directory: str) -> int:
    from console.commanding.programs import run_in_front

    return run_in_front(arguments, environment, directory)


def _how(code: int) -> str:
    return f"ended with code {code}" if code >= 0 else f"was ended by signal {-code}"


def _shown(line: str, values: dict[str, str]) -> str:
    """The line with what is known filled in; inputs stay between braces."""
    from engine.policy.console_model import filled

    return filled(line, {**{word: f"{{{word}}}" for word in _words(line)}, **values})


def _words(line: str) -> list[str]:
    from engine.policy.console_model import SPOKEN

    return SPOKEN.findall(line)


def _hotkey(key: str, text: str) -> Action:
    def run(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
        from console.commands import run_command

        run_command(app, text)

    return Action(f"hotkey {key}", key, text, run, f":{text}", needs=Needs.NOTHING, hint=False)


def _offer(command: ConsoleCommand) -> Action:
    """A command in the lists of keys; what it asks for is known once it is started."""

    def run(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
        try:
            app.custom.start(command.name)
        except QuarterdeckError as error:
            app.fail(error)

    return Action(command.name, command.key, command.name, run, command.about, needs=Needs.NOTHING, hint=False)
