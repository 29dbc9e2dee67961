"""Item texts: stored and shown literally; no decision depends on their content."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from gavel.bids.domain.refusals import InvalidInput

TITLE_CHARACTERS_MAX = 200
DESCRIPTION_CHARACTERS_MAX = 10_000
CATEGORY_CHARACTERS_MAX = 64
IMAGES_MAX = 20
IMAGE_URL_CHARACTERS_MAX = 2_048


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The texts that describe an item."""

    title: str
    description: str = ""
    images: tuple[str, ...] = ()
    category: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingChanges:
    """The texts that a seller sets anew. None leaves a text as it is; an empty one empties it."""

    title: str | None = None
    description: str | None = None
    images: tuple[str, ...] | None = None
    category: str | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the texts that are set."""
        return tuple(name for name in self.__slots__ if getattr(self, name) is not None)


def listing_changes(
    *,
    title: str | None = None,
    description: str | None = None,
    images: Iterable[str] | None = None,
    category: str | None = None,
) -> ListingChanges:
    """Validate the requested changes. Raises InvalidInput if there is none, or for a text that no item can have."""
    changes = ListingChanges(
        title=title, description=description, images=None if images is None else tuple(images), category=category
    )
    if not changes.fields:
        # Not a change of nothing: the request most likely names a field that can't change.
        names = ", ".join(ListingChanges.__slots__)
        raise InvalidInput(names, "at least one must be set, nothing else can")
    _check(changes)
    return changes


def check_listing(listing: Listing) -> None:
    """Raise InvalidInput if a text is missing, too long, or not storable."""
    _check(
        ListingChanges(
            title=listing.title, description=listing.description, images=listing.images, category=listing.category
        )
    )


def check_category(category: str) -> None:
    """Raise InvalidInput if no item can have this category."""
    if category and not category.strip():
        raise InvalidInput("category", "must not be blank")
    _check_text("category", category, CATEGORY_CHARACTERS_MAX)


def _check(texts: ListingChanges) -> None:
    if texts.title is not None and not texts.title.strip():
        raise InvalidInput("title", "must not be empty")
    _check_text("title", texts.title or "", TITLE_CHARACTERS_MAX)
    _check_text("description", texts.description or "", DESCRIPTION_CHARACTERS_MAX)
    check_category(texts.category or "")
    images = texts.images or ()
    if len(images) > IMAGES_MAX:
        raise InvalidInput("images", f"at most {IMAGES_MAX}")
    for image in images:
        _check_text("images", image, IMAGE_URL_CHARACTERS_MAX)
        if not _is_address_or_path(image):
            raise InvalidInput("images", "each must be an http(s) address with a host, or a path")


def _check_text(field: str, text: str, characters_max: int) -> None:
    if len(text) > characters_max:
        raise InvalidInput(field, f"at most {characters_max} characters")
    # PostgreSQL cannot store NUL in a text.
    if "\x00" in text:
        raise InvalidInput(field, "must not contain NUL")


def _is_address_or_path(image: str) -> bool:
    """Whether a browser would fetch it by HTTP: an address with a host, or a path."""
    before, colon, _ = image.partition(":")
    if not colon or "/" in before:
        # `//` begins an address, too: one of the page's own scheme.
        return _has_host(image) if image.startswith("//") else bool(image.strip())
    return before.lower() in ("http", "https") and _has_host(image)


def _has_host(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        # A port that is no number raises ValueError.
        return len(host.split()) == 1 and parts.port != 0
    except ValueError:
        return False
