"""The words that steer a conversation, with or without a slash, and what they show."""
