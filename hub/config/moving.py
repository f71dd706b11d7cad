"""Services on their way from one agency's file to another: a file that is left out must not swallow them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from hub.config.faults import Fault
from hub.config.reading import Reading
from hub.config.sources import Source, Sources, agency_file


def lost_by_moving(
    found: Sources,
    good: Sources,
    chosen: Sources,
    refused: Collection[str],
    check: Callable[[Sources], Reading],
) -> Mapping[str, tuple[Fault, ...]]:
    """
    The changes that would take away a service which a refused file names, by the names of the files, and why.

    A file that was renamed without its slug, or a service that was put into a file which is then broken: what
    was meant is known only when that file is sound. Until then whoever gave consent goes on being asked.
    """
    came = sorted(name for name in refused if name in found)
    if not came:
        return {}
    kept = {code for codes in _services(check(chosen)).values() for code in codes}
    why: dict[str, tuple[Fault, ...]] = {}
    for name, codes in _services(check(good)).items():
        lost = [code for code in codes if code not in kept]
        wanted = next((other for other in came if other != name and _names(found[other], lost)), None)
        if wanted is None or chosen.get(name) == good.get(name):
            continue
        gone = "it is gone" if name not in found else f"it has no {', '.join(lost)} any more"
        what = f"{gone}, and {wanted}, where that may have gone to, has faults"
        cure = f"mend or remove {wanted}; until then the earlier file is in force"
        why[name] = (Fault(name, 1, "", what, cure),)
    return why


def _services(reading: Reading) -> dict[str, list[str]]:
    """The codes of the services by the names of the files."""
    return {agency_file(each.file.agency): list(each.file.services) for each in reading.agencies}


def _names(source: Source, codes: Collection[str]) -> bool:
    """Whether a file, sound or not, speaks of one of these services; one that is not read may."""
    if not isinstance(source.content, bytes):
        return bool(codes)
    text = source.content
    return any(code.encode() in text for code in codes)
