"""Speech recognition service (:8001): audio in, text out."""
