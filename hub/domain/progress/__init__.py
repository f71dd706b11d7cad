"""
How far a declaration has got, for whoever waits for the goods: what is asked of them, who has answered, what
comes next and by when, and where the cargo is.

It is made as codes and their parameters, and worded in a language of the reader's. Nothing of the hub's own
troubles is in it: an agency that is not reached has not answered, and that is all.
"""

from hub.domain.progress.making import Known, Reader, Standing, progress_of
from hub.domain.progress.told import Progress
from hub.domain.progress.wording import LANGUAGES, Language, in_words

__all__ = ["LANGUAGES", "Known", "Language", "Progress", "Reader", "Standing", "in_words", "progress_of"]
