"""Mutation testing of the rooms that choose, and of the session: a change in the code that no test notices is found."""
