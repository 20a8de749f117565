"""Operations on single pictures between AWS members and commands."""
