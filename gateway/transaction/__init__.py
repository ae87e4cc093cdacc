"""Transactions: everything the gateway does on the ledger (paper section 4.3.3, Transaction/Blockchain)."""
