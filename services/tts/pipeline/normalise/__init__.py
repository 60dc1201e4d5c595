"""Text made speakable: one file per kind of thing that is written otherwise than it is said."""
