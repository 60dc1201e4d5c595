"""Speech synthesis service (:8002): text in, audio out."""
