"""Operations of custom labels between AWS members and commands."""
