"""Pure flow of a conversation: messages and audio in, actions out, and the ports around it."""
