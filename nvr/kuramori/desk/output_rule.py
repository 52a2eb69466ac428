"""What may be made of a granted request: the one rule that every route which shows or gives out pictures asks first.

Pure. Must not know HTTP, the register or media.
"""

from kuramori.desk.fault import ViewingOnly
from kuramori.desk.grounds import Output, RuleBook
from kuramori.desk.request import Request
from kuramori.desk.request_fault import IdentityMissing, OutputNotGranted


def granted_outputs(request: Request, rules: RuleBook) -> tuple[Output, ...]:
    """Return what may be made; who may have a copy may also look. Raises ViewingOnly where the ground is unknown."""
    ground = rules.ground(request.document.ground)
    if ground is None:
        raise ViewingOnly(request.document.ground)
    named = request.granted.outputs if request.granted is not None else ()
    found = tuple(output for output in Output if output.value in named) if named else ground.outputs
    within = tuple(output for output in found if output in ground.outputs)
    implied = (Output.VIEWING,) if Output.COPY in within and Output.VIEWING not in within else ()
    return (*implied, *within)


def require_output(request: Request, rules: RuleBook, output: Output) -> None:
    """Let an output be made or raise why not: ViewingOnly, OutputNotGranted, IdentityMissing."""
    allowed = granted_outputs(request, rules)
    ground = rules.ground(request.document.ground)
    if output is not Output.VIEWING and (ground is None or not ground.hand_over):
        raise ViewingOnly(request.document.ground)
    if output not in allowed:
        raise OutputNotGranted(request.request_id, output.value, tuple(one.value for one in allowed))
    if output is not Output.VIEWING and not request.is_identified:
        raise IdentityMissing(request.request_id)
