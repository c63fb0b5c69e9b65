"""Electronic licences (电子证照): sign them, scan them, and know at once whether they hold."""

__version__ = "0.1.0"
