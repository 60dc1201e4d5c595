"""The native wire: one frozen message class a type, one adapter a direction."""
