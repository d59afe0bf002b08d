"""Running a pipeline on a module: nested anchors, verification after every pass, blame by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, UnknownLoc
from xdsl.ir import Block, Operation, Region
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import VerifyException

from weft import codes
from weft.diagnostics import UNKNOWN, WeftError, told
from weft.driver.action_log import DebugCounter
from weft.driver.instruments import Instrument
from weft.driver.options import make_pass, options_of
from weft.driver.pipeline import Nest, Step, parse_pipeline
from weft.driver.verify import verification_message
from weft.registry import context, find_pass, plugin_of_pass


class PassFailure(Exception):
    """A pass left a module that does not verify: a bug of the pass, never of the program."""


@dataclass(frozen=True)
class PassManager:
    """A pipeline whose passes exist and whose options are valid, ready to run."""

    pipeline: Nest
    passes: dict[Step, ModulePass]
    verify_each: bool = True
    instruments: Sequence[Instrument] = ()
    counter: DebugCounter | None = None

    @staticmethod
    def of(
        pipeline: Nest,
        *,
        verify_each: bool = True,
        instruments: Sequence[Instrument] = (),
        counter: DebugCounter | None = None,
    ) -> PassManager:
        """Look up every pass. Raises :class:`WeftError` for an unknown pass or option."""
        passes = {step: _find(step) for step in pipeline.steps()}
        return PassManager(pipeline, passes, verify_each, instruments, counter)

    def described(self) -> str:
        """The pipeline with every option of every pass, as text that can be pasted after `--pass-pipeline`."""
        return _described(self.pipeline, self.passes)

    def run(self, ctx: Context, module: ModuleOp) -> None:
        """Run on a module, in place."""
        if self.pipeline.anchor not in ("any", module.name):
            raise WeftError(
                f"can't run '{self.pipeline.anchor}' pass manager on '{module.name}' op",
                UNKNOWN,
                code=codes.WRONG_ANCHOR,
            )
        for instrument in self.instruments:
            instrument.begin(module)
        self._run_nest(ctx, self.pipeline, module)

    def _run_nest(self, ctx: Context, nest: Nest, module: ModuleOp, home: _Home | None = None) -> None:
        for element in nest.elements:
            if isinstance(element, Step):
                self._run_pass(ctx, self.passes[element], module, home)
                continue
            for op in [op for op in module.body.block.ops if element.anchor in ("any", op.name)]:
                self._run_nested(ctx, element, op)

    def _run_nested(self, ctx: Context, nest: Nest, op: Operation) -> None:
        """Run a nest on one op: passes see it alone, in a module of its own."""
        if isinstance(op, ModuleOp):
            self._run_nest(ctx, nest, op)
            return
        home = _Home.of(op)
        op.detach()
        alone = ModuleOp(Region(Block([op])))
        alone.location = op.location
        try:
            self._run_nest(ctx, nest, alone, home)
        finally:
            home.take(alone)

    def _run_pass(self, ctx: Context, step: ModulePass, module: ModuleOp, home: _Home | None) -> None:
        if self.counter is not None and not self.counter.allows():
            return
        for instrument in self.instruments:
            instrument.before(step, module)
        try:
            self._apply(ctx, step, module, home)
        except Exception:
            for instrument in self.instruments:
                instrument.failed(step, module)
            raise
        for instrument in self.instruments:
            instrument.after(step, module)

    def _apply(self, ctx: Context, step: ModulePass, module: ModuleOp, home: _Home | None) -> None:
        """Apply a pass and verify. What goes wrong in a plug-in's pass is said of the plug-in, not of weft."""
        try:
            step.apply(ctx, module)
            if self.verify_each:
                _check(step, module, home)
        except WeftError:
            raise
        except (Exception, SystemExit) as error:
            plugin = plugin_of_pass(step)
            if plugin is None:
                raise
            is_told = isinstance(error, PassFailure)
            message = str(error) if is_told else f"the pass '{step.name}' failed: {told(error)}"
            raise WeftError(message, UNKNOWN, f"it comes from the plug-in '{plugin}'", code=codes.BAD_PLUGIN) from error


@dataclass(frozen=True)
class _Home:
    """Where an op stood that passes see alone; its symbols are known only there."""

    block: Block
    following: Operation | None

    @staticmethod
    def of(op: Operation) -> _Home:
        assert op.parent is not None
        return _Home(op.parent, op.next_op)

    def take(self, alone: ModuleOp) -> None:
        """Put the ops of a module back."""
        for op in list(alone.body.block.ops):
            op.detach()
            if self.following is not None:
                self.block.insert_op_before(op, self.following)
            else:
                self.block.add_op(op)

    def verify(self, alone: ModuleOp) -> None:
        """Verify the ops of a module where their symbols are known."""
        ops = list(alone.body.block.ops)
        self.take(alone)
        try:
            for op in ops:
                op.verify()
        finally:
            for op in ops:
                op.detach()
                alone.body.block.add_op(op)


def _described(element: Step | Nest, passes: dict[Step, ModulePass]) -> str:
    if isinstance(element, Nest):
        return f"{element.anchor}({','.join(_described(inner, passes) for inner in element.elements)})"
    return str(Step(element.name, options_of(passes[element])))


def run_pipeline(
    module: ModuleOp, text: str, *, verify_each: bool = False, instruments: Sequence[Instrument] = ()
) -> None:
    """Run a pipeline, given as text, on a module. Raises :class:`WeftError` for a wrong pipeline or program."""
    PassManager.of(parse_pipeline(text), verify_each=verify_each, instruments=instruments).run(context(), module)


def _find(step: Step) -> ModulePass:
    try:
        return make_pass(find_pass(step.name), step.options)
    except WeftError as error:
        if error.where is not None:
            raise
        message = f"MLIR Textual PassPipeline Parser:1:{step.column}: error: {error.message}"
        raise WeftError(message, UNKNOWN, error.hint, code=error.code) from None


def _check(step: ModulePass, module: ModuleOp, home: _Home | None) -> None:
    try:
        module.verify() if home is None else home.verify(module)
    except VerifyException as error:
        raise PassFailure(f"after pass '{step.name}': {verification_message(error)}") from error
    lost = next((op for op in module.walk() if isinstance(op.location, UnknownLoc)), None)
    if lost is not None:
        raise PassFailure(f"after pass '{step.name}': operation '{lost.name}' has lost its location")
