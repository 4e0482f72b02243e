"""The language server: findings while one types."""
