"""The units' firmware: which runs where, which images there are, and what each unit is offered."""
