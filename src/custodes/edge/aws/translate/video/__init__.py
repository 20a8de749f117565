"""Operations on stored video between AWS members and commands."""
