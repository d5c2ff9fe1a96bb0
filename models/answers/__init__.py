"""What is made of an answer of any kind of task: a record, a picture, a chapter of a report, a line of the worklist."""
