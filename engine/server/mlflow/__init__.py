"""The MLflow dialect: translates requests of unmodified MLflow clients into calls of the engine, and answers back."""
