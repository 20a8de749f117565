"""Labels of whole pictures: objects with boxes, kinds of scenes, colours, and the names they are told by."""
