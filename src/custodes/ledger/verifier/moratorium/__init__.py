"""Reports about what a sector was allowed and refused, checked."""
