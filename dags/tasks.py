"""What our tasks are in Airflow: a command, a command that says whether to wait, and who is told
that a question waits for an answer.
"""

import os
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import BaseNotifier, BaseSensorOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from dags.callbacks import answer_awaited
from ingest.core.errors import NOT_YET


class Listening(SubprocessHook):
    """Runs a command, and keeps the last line that it printed: of ours, what went wrong."""

    last_line = ""

    def run_command(self, *command: Any, **terms: Any) -> Any:
        """Run it; its exit code and last line."""
        result = super().run_command(*command, **terms)
        self.last_line = result.output
        return result


class Command(BashOperator):
    """A command whose failure says what the command said, on Airflow's page and in alarms."""

    @cached_property
    def subprocess_hook(self) -> Listening:
        """What runs the command."""
        return Listening()

    def execute(self, context: Any) -> Any:
        """Run the command; fail with its last line."""
        try:
            return super().execute(context)
        except AirflowException as failure:
            said = self.subprocess_hook.last_line
            if type(failure) is AirflowException and said:
                raise AirflowException(said) from failure
            raise  # skipped, or never begun


class Waiting(BaseSensorOperator):
    """Asks a command again and again whether to go on. Between two questions it holds no place."""

    template_fields = ("bash_command", "env")

    def __init__(
        self, *, bash_command: str, env: Mapping[str, str], cwd: str, append_env: bool, **terms: Any
    ) -> None:
        super().__init__(mode="reschedule", **terms)
        self.bash_command = bash_command
        self.env = env
        self.cwd = cwd
        self.append_env = append_env

    def poke(self, context: Any) -> bool:
        """Whether to go on; fails with the command's last line if it does."""
        environment = {**(os.environ if self.append_env else {}), **self.env}
        command = ["bash", "-c", self.bash_command]
        result = SubprocessHook().run_command(command, env=environment, cwd=self.cwd)
        if result.exit_code not in {0, NOT_YET}:
            raise AirflowFailException(result.output)
        return bool(result.exit_code == 0)


class TellOfQuestion(BaseNotifier):
    """Tells people that a task waits for their answer."""

    def notify(self, context: Any) -> None:
        """Tell them."""
        answer_awaited(context)
