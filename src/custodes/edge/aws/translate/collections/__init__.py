"""Operations on collections, faces, users and known people between AWS members and commands."""
