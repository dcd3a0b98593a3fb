"""The currencies that every tenant may send."""

from iso4217 import Currency

ISO_4217: frozenset[str] = frozenset(currency.code for currency in Currency)
"""The codes of ISO 4217 (list one, in upper case), as the library `iso4217` maintains them."""
