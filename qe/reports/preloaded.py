"""Imported by the server that workers are forked from: WeasyPrint, fonts, stylesheet and templates set up for all of them."""

from qe.reports import letters, pages, views

__all__ = ["letters", "pages", "views"]

pages.warm_up()
