"""Long work in processes of its own: it goes on when who asked for it has left."""
