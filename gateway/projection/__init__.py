"""Projections: what the ledger's events say, in SQL, so that lists and sums need no ledger range.

Every table here can be dropped and filled again from block 0. Balances are not here: the ledger is asked.
"""
